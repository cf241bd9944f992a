"""What is known of a person at events, and forgetting it."""

from __future__ import annotations

from typing import Any

from funnels.actions.enrolling import withdraw
from funnels.models import Registration, ZoomNotice
from funnels.zoom.joining import STEP
from jobs.models import Event, Run, Step
from messaging.models import Contact


def registrations_of(contact: Contact) -> list[dict[str, Any]]:
    """Return for a person's dossier where they are registered, whether they came, and what they were told."""
    rows = Registration.objects.filter(contact=contact).select_related("event")
    return [
        {
            "event": row.event.title,
            "starts_at": row.event.starts_at,
            "status": row.status,
            "registered_at": row.registered_at,
            "withdrawn_at": row.withdrawn_at,
            "attendance": row.attendance,
            "attended_seconds": row.attended_seconds,
            "presences": list(row.presences.order_by("at").values("kind", "at")),
            "zoom_registrant_id": row.zoom_registrant_id,
            "join_url": row.join_url,
            "reminders_sent": row.reminders_sent,
        }
        for row in rows.order_by("registered_at")
    ]


def forget(contact: Contact) -> None:
    """Let an erased person go everywhere, and forget what Zoom told of them; that somebody came still counts."""
    for registration in Registration.objects.filter(contact=contact):
        if registration.is_registered:
            withdraw(registration, actor="system")
        registration.presences.all().delete()
        _forget_in_runs(registration)
    mine = Registration.objects.filter(contact=contact)
    ZoomNotice.objects.filter(registration__in=mine).update(body="")
    mine.update(zoom_registrant_id="", join_url="", zoom_problem="", attendance_note="")


def _forget_in_runs(registration: Registration) -> None:
    """Forget what another system told of somebody when it enrolled them, and what Zoom answered about them."""
    mine = registration.public_id
    wishes = Run.objects.filter(workflow="funnels.enroll", output=mine)
    Event.objects.filter(runs__in=wishes).update(data={}, extra={})
    wishes.update(input={})
    for asked in (
        Run.objects.filter(enrollments__registration=registration),
        Run.objects.filter(workflow="funnels.join_meeting", input__registration=mine),
    ):
        Step.objects.filter(run__in=asked.values("pk"), key=STEP).update(output=None)
