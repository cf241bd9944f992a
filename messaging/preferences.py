"""The preference page: a person chooses channels and topics by a signed link, without a log-in."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from core.visitors import address_of
from messaging.actions.consent import Evidence
from messaging.actions.preferences import preferences_of, save_preferences
from messaging.views import ACTOR, found_by, sealed

WORDING = "I want to receive what I have ticked here."


@method_decorator([never_cache, csrf_exempt], name="dispatch")
class PreferenceView(View):
    """What one person gets, named by the same token as their unsubscribe link, which is the permission."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show what they get; change nothing."""
        contact, _ = found_by(token)
        return self.page(request, token, {"channels": preferences_of(contact)})

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Record what they ticked and what not; the same again changes nothing."""
        contact, _ = found_by(token)
        evidence = Evidence(
            source="preference page",
            actor=ACTOR,
            wording=WORDING,
            ip_address=address_of(request),
        )
        save_preferences(contact, wanted=request.POST, evidence=evidence)
        return self.page(request, token, {"channels": preferences_of(contact), "is_saved": True})

    def page(self, request: HttpRequest, token: str, context: dict[str, object]) -> HttpResponse:
        shown = {**context, "token": token}
        return sealed(render(request, "messaging/preferences.html", shown))
