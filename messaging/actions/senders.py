"""What may be done with a sender that sends: hold it, and let it go on."""

from __future__ import annotations

from django.db import transaction

from core import audit
from core.errors import Conflict, Refused
from messaging.lanes import ensure_lanes
from messaging.models import Sender
from messaging.states import SenderStatus


@transaction.atomic
def pause_sender(sender: Sender, *, reason: str, actor: str) -> Sender:
    """Let nothing more go out through a sender. Raises Refused without a reason, Conflict when it is paused."""
    reason = reason.strip()[:500]
    if not reason:
        raise Refused(
            f"Pausing “{sender.name}” needs a reason.",
            field="reason",
            value="",
            remedy="Say why, for those who find it paused.",
        )
    _move(sender, to=SenderStatus.PAUSED, reason=reason)
    audit.record("sender.paused", sender, actor=actor, reason=reason)
    return sender


@transaction.atomic
def resume_sender(sender: Sender, *, actor: str) -> Sender:
    """Let a paused sender go on where it stood. Raises Conflict when it is active."""
    _move(sender, to=SenderStatus.ACTIVE, reason="")
    audit.record("sender.resumed", sender, actor=actor)
    ensure_lanes(sender)
    return sender


def hold_sender(sender: Sender, *, reason: str) -> None:
    """Pause a sender whose provider takes nothing any more; several lanes may find out at once."""
    held = Sender.objects.filter(pk=sender.pk, status=SenderStatus.ACTIVE).update(
        status=SenderStatus.PAUSED, paused_reason=reason
    )
    if held:
        audit.record("sender.paused", sender, actor=audit.SYSTEM, reason=reason)


def _move(sender: Sender, *, to: SenderStatus, reason: str) -> None:
    others = Sender.objects.filter(pk=sender.pk).exclude(status=to)
    moved = others.update(status=to, paused_reason=reason)
    sender.refresh_from_db(fields=["status", "paused_reason"])
    if not moved:
        raise Conflict(
            f"The sender “{sender.name}” is {sender.get_status_display().lower()} already.",
            field="status",
            value=sender.status,
        )
