"""Runs for staff: a read-only job log with live steps, and the two things one may do to a run."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Count, QuerySet
from django.http import HttpRequest

import jobs.events.admin  # noqa: F401 - registers its page
from core import clock
from core.admin import ModelAdmin, ReadOnlyModelAdmin, button, display, register
from core.audit import actor_of
from core.paging import CappedPaginator
from core.sql import Literal
from jobs import holds
from jobs.actions import cancel_run, dismiss_run, pause_run, replay_run, resume_run, retry_run
from jobs.choosing import ManyMixin
from jobs.forms import HoldForm, ReplayForm
from jobs.models import Hold, Run, Schedule, WaitKind, WorkerProcess
from jobs.schedules import ACTOR
from jobs.states import RunStatus
from jobs.timeline import count_children, steps_of


def why_not_cancel(_admin: Any, _request: HttpRequest, run: Run) -> str:
    return "It has ended." if run.is_over else ""


def why_not_retry(_admin: Any, _request: HttpRequest, run: Run) -> str:
    return "" if run.status == RunStatus.FAILED else "Only a failed run can be retried."


def why_not_pause(_admin: Any, _request: HttpRequest, run: Run) -> str:
    if run.is_over:
        return "It has ended."
    is_pausing = run.status == RunStatus.PAUSED or run.pause_requested_at
    return "It is paused." if is_pausing else ""


def why_not_resume(_admin: Any, _request: HttpRequest, run: Run) -> str:
    is_pausing = run.status == RunStatus.PAUSED or run.pause_requested_at
    return "" if is_pausing else "Only a paused run can be resumed."


def why_not_replay(_admin: Any, _request: HttpRequest, run: Run) -> str:
    return "" if run.is_over else "Only a run that is over can be replayed."


def why_not_dismiss(_admin: Any, _request: HttpRequest, run: Run) -> str:
    if run.status != RunStatus.FAILED:
        return "Only a failed run can be dismissed."
    return "It is dismissed." if run.dismissed_at else ""


def what_runs_again(_admin: Any, _request: HttpRequest, run: Run) -> str:
    """Say before a replay which steps it would execute once more."""
    keys = [view.step.key for view in steps_of(run)]
    steps = f" Its steps were: {', '.join(keys)}." if keys else ""
    return f"A new run does all of it again, or from a step on what follows.{steps}"


class FailureFilter(SimpleListFilter):
    """What waits for a person, grouped by what failed."""

    title = "what failed"
    parameter_name = "failure"
    MOST = 20

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        letters = Run.objects.dead_letters().values_list("failure").annotate(count=Count("pk"))
        groups = letters.order_by("-count", "failure")[: self.MOST]
        found = [(failure or "?", f"{failure or 'Other'} ({count:,})") for failure, count in groups]
        return [("any", "Everything that waits for a person"), *found] if found else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        if not self.value():
            return queryset
        letters = queryset.filter(status=Literal("failed"), dismissed_at__isnull=True)
        if self.value() == "any":
            return letters
        return letters.filter(failure="" if self.value() == "?" else self.value())


class StarterFilter(SimpleListFilter):
    """Cron starts many runs; whoever looks for their own leaves them out."""

    title = "who started it"
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("others", "People and programs"), ("schedule", "The schedule")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        if self.value() == "schedule":
            return queryset.filter(actor=ACTOR)
        return queryset.exclude(actor=ACTOR) if self.value() == "others" else queryset


class SinceFilter(SimpleListFilter):
    """What went wrong since this morning is chosen by its time, too."""

    title = "started"
    parameter_name = "since"

    HOURS: ClassVar = {"1": "In the last hour", "24": "In the last day", "168": "In the last week"}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.HOURS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Run]) -> QuerySet[Run]:
        hours = self.value()
        if hours is None or hours not in self.HOURS:
            return queryset
        return queryset.filter(created_at__gte=clock.now() - timedelta(hours=int(hours)))


@register(Run)
class RunAdmin(ManyMixin, ReadOnlyModelAdmin):
    """The job log: every run, its steps, its attempts, its error."""

    empty_text = "Sending a campaign or importing a file starts a run, and it is followed here."

    list_display = ("workflow", "number", "state", "progress", "actor", "created_at", "finished_at")
    list_filter = (FailureFilter, StarterFilter, SinceFilter, "status", "workflow")
    search_fields = ("=idempotency_key", "workflow")
    show_full_result_count = False
    paginator = CappedPaginator
    fields = (
        "number",
        "workflow",
        "version",
        "queue",
        "actor",
        "idempotency_key",
        "created_at",
        "started_at",
        "finished_at",
        "given",
        "answer",
    )
    readonly_fields = ("number", "given", "answer")
    panel_template = "jobs/_run.html"

    class Media:
        css: ClassVar = {"all": ["jobs/run.css"]}

    def panel_context(self, request: HttpRequest, obj: Run) -> dict[str, Any]:
        holder = WorkerProcess.objects.filter(pk=obj.worker_id).first() if obj.worker_id else None
        return {
            "run": obj,
            "steps": steps_of(obj),
            "holder": holder,
            "children": count_children(obj),
            "waits": obj.waits.filter(kind=WaitKind.WAKE) if not obj.is_over else [],
        }

    def is_live(self, obj: Run) -> bool:
        return not obj.is_over

    @display(description="Run")
    def number(self, run: Run) -> str:
        return run.public_id

    @display(
        description="Status",
        ordering="status",
        label={"Completed": "success", "Failed": "danger", "Running": "info", "Waiting": "warning"},
    )
    def state(self, run: Run) -> str:
        return run.get_status_display()

    @display(description="Progress")
    def progress(self, run: Run) -> str:
        if run.progress_total is None:
            return run.progress_text
        return f"{run.progress_done:,} of {run.progress_total:,}"

    @display(description="Input")
    def given(self, run: Run) -> str:
        return pretty(run.input)

    @display(description="Output")
    def answer(self, run: Run) -> str:
        return pretty(run.output)

    @button(
        label="Retry",
        permission="retry",
        confirm="It goes on at the step that failed; what is finished stays finished.",
        why_not=why_not_retry,
        icon="replay",
    )
    def retry(self, request: HttpRequest, run: Run) -> str:
        retry_run(run, actor=actor_of(request))
        return "It is in the queue again."

    @button(
        label="Replay",
        permission="retry",
        confirm=what_runs_again,
        form=ReplayForm,
        why_not=why_not_replay,
        icon="restart_alt",
    )
    def replay(
        self, request: HttpRequest, run: Run, *, from_step: str, input: dict[str, Any] | None
    ) -> str:
        again = replay_run(run, actor=actor_of(request), from_step=from_step, input=input)
        return f"It runs again as {again.public_id}."

    @button(
        label="Pause",
        permission="pause",
        confirm="It rests, at its next checkpoint at the latest, until somebody resumes it.",
        why_not=why_not_pause,
        icon="pause",
    )
    def pause(self, request: HttpRequest, run: Run) -> str:
        is_paused = pause_run(run, actor=actor_of(request)).status == RunStatus.PAUSED
        return "It is paused." if is_paused else "It pauses at its next checkpoint."

    @button(
        label="Resume",
        permission="pause",
        confirm="It goes on where it stands; what it waited for is looked at anew.",
        why_not=why_not_resume,
        icon="play_arrow",
    )
    def resume(self, request: HttpRequest, run: Run) -> str:
        resume_run(run, actor=actor_of(request))
        return "It goes on."

    @button(
        label="Dismiss",
        permission="retry",
        confirm="It stays failed, and leaves the list of those that wait for a person.",
        why_not=why_not_dismiss,
        icon="done",
    )
    def dismiss(self, request: HttpRequest, run: Run) -> str:
        dismiss_run(run, actor=actor_of(request))
        return "It waits for nobody any more."

    @button(
        label="Cancel",
        permission="cancel",
        confirm="It ends at its next checkpoint and cannot be taken up again.",
        why_not=why_not_cancel,
        icon="cancel",
        is_danger=True,
    )
    def cancel(self, request: HttpRequest, run: Run) -> str:
        is_over = cancel_run(run, actor=actor_of(request)).is_over
        return "It is cancelled." if is_over else "It ends at its next checkpoint."


def pretty(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, cls=DjangoJSONEncoder)


@register(Schedule)
class ScheduleAdmin(ModelAdmin):
    """Cron rows come from the code; a person may switch one off, or mend what is shown as an error."""

    list_display = ("workflow", "cron", "time_zone", "is_enabled", "next_at", "last_at", "error")
    fields = ("workflow", "cron", "time_zone", "is_enabled", "next_at", "last_at", "error")
    readonly_fields = ("workflow", "cron", "time_zone", "next_at", "last_at", "error")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Schedule | None = None) -> bool:
        return False


def why_not_turn_on(_admin: Any, _request: HttpRequest, hold: Hold) -> str:
    return "It is paused." if hold.is_on else ""


def why_not_turn_off(_admin: Any, _request: HttpRequest, hold: Hold) -> str:
    return "" if hold.is_on else "It is not paused."


@register(Hold)
class HoldAdmin(ModelAdmin):
    """Workflows and queues that somebody has paused, now or before."""

    empty_text = "Pause a workflow or a queue, and none of its runs is taken up until you resume it. Nothing is lost."

    form = HoldForm
    list_display = ("__str__", "is_on", "changed_at", "changed_by")
    list_filter = ("is_on",)
    fields = ("key", "is_on", "changed_at", "changed_by")

    def has_pause_permission(self, request: HttpRequest, obj: Hold | None = None) -> bool:
        return request.user.has_perm("jobs.pause_run")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_pause_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Hold | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Hold | None = None) -> bool:
        return False

    def get_fields(self, request: HttpRequest, obj: Hold | None = None) -> Any:
        return self.fields if obj else ("what",)

    def get_readonly_fields(self, request: HttpRequest, obj: Hold | None = None) -> Any:
        return self.fields if obj else ()

    def save_model(self, request: HttpRequest, obj: Hold, form: Any, change: bool) -> None:
        obj.pk = holds.turn(form.cleaned_data["what"], on=True, actor=actor_of(request)).pk

    @button(
        label="Pause",
        permission="pause",
        confirm="None of its runs is taken up until somebody resumes it; those a worker has go on to their next wait.",
        why_not=why_not_turn_on,
        icon="pause",
    )
    def pause(self, request: HttpRequest, hold: Hold) -> str:
        holds.turn(hold.key, on=True, actor=actor_of(request))
        return "It is paused."

    @button(
        label="Resume",
        permission="pause",
        confirm="Its runs are taken up again, the oldest first.",
        why_not=why_not_turn_off,
        icon="play_arrow",
        is_primary=True,
    )
    def resume(self, request: HttpRequest, hold: Hold) -> str:
        holds.turn(hold.key, on=False, actor=actor_of(request))
        return "It goes on."


@register(WorkerProcess)
class WorkerProcessAdmin(ReadOnlyModelAdmin):
    """The processes that serve runs."""

    empty_text = "No worker has run here yet, so nothing is sent. Start one: manage.py worker"

    list_display = ("kind", "host", "pid", "beat_at", "step")
    list_filter = ("kind", "host")
