"""Bulk actions of the job log: what is chosen in the list, by hand or by its filters, is told and asked about first."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.options import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from core.audit import actor_of
from jobs.acting import Verb, act_on_many, possible
from jobs.models import Run

#: Who may do it to one run may do it to many.
PERMISSIONS = {
    Verb.RETRY: "retry",
    Verb.REPLAY: "retry",
    Verb.DISMISS: "retry",
    Verb.PAUSE: "pause",
    Verb.RESUME: "pause",
    Verb.CANCEL: "cancel",
}
WHAT_HAPPENS = {
    Verb.RETRY: "Each goes on at the step that failed; what is finished stays finished.",
    Verb.REPLAY: "For each a new run does all of it again, from its start and with the same input.",
    Verb.DISMISS: "They stay failed, and leave the list of those that wait for a person.",
    Verb.PAUSE: "Each rests, at its next checkpoint at the latest, until somebody resumes it.",
    Verb.RESUME: "Each goes on where it stands; what it waited for is looked at anew.",
    Verb.CANCEL: "Each ends, with its children, at its next checkpoint at the latest, for good.",
}


class ManyMixin(ModelAdmin):
    """Offers each verb to those who may use it."""

    def get_actions(self, request: HttpRequest) -> Any:
        return {
            f"{verb}_many": (_action(verb), f"{verb}_many", f"{verb.capitalize()} these")
            for verb, permission in PERMISSIONS.items()
            if request.user.has_perm(f"jobs.{permission}_run")
        }

    def ask_about_many(
        self, request: HttpRequest, chosen: QuerySet[Run], verb: Verb
    ) -> HttpResponse:
        """Say how many it would be done to; do it once that is confirmed."""
        runs = possible(verb, Run.objects.filter(pk__in=chosen.order_by().values("pk")))
        if "confirmed" in request.POST:
            return self._act(request, runs, verb)
        return TemplateResponse(
            request,
            "jobs/act_on_many.html",
            {
                **self.admin_site.each_context(request),
                "title": f"{verb.capitalize()} many runs",
                "verb": verb.capitalize(),
                "action": f"{verb}_many",
                "is_danger": verb is Verb.CANCEL,
                "what_happens": WHAT_HAPPENS[verb],
                "count": runs.count(),
                "others": chosen.count() - runs.count(),
                "chosen": request.POST.getlist("_selected_action"),
                "across": request.POST.get("select_across", "0"),
                "opts": self.opts,
            },
        )

    def _act(self, request: HttpRequest, runs: QuerySet[Run], verb: Verb) -> HttpResponse:
        ids = list(runs.order_by("pk").values_list("pk", flat=True))
        started = act_on_many(verb, ids, actor=actor_of(request))
        if not started:
            messages.warning(request, "There is no such run any more.")
            return redirect(reverse("admin:jobs_run_changelist"))
        messages.success(request, f"{len(ids):,} runs: this page follows it.")
        return redirect(reverse("admin:jobs_run_change", args=[started[0].pk]))


def _action(verb: Verb) -> Any:
    def act(admin: ManyMixin, request: HttpRequest, chosen: QuerySet[Run]) -> HttpResponse:
        return admin.ask_about_many(request, chosen, verb)

    return act
