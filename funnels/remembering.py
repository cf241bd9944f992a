"""What is known of a person at events, and forgetting it."""

from __future__ import annotations

from typing import Any

from funnels.actions.enrolling import withdraw
from funnels.models import Registration, ZoomNotice
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
    mine = Registration.objects.filter(contact=contact)
    ZoomNotice.objects.filter(registration__in=mine).update(body="")
    mine.update(zoom_registrant_id="", join_url="", zoom_problem="", attendance_note="")
