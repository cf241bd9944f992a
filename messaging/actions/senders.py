"""What may be done with a sender that sends: hold it, and let it go on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from core import audit
from core.errors import Conflict, Refused
from messaging.alerts import raise_alert
from messaging.batches import dissolve
from messaging.lanes import are_at_work, ensure_lanes
from messaging.models import ProviderName, SendBatch, Sender
from messaging.states import BatchStatus, SenderStatus

#: The entry in the audit by which it is known since when a sender is trusted again.
RESUMED = "sender.resumed"


@transaction.atomic
def change_sender(sender: Sender, *, actor: str, **changes: Any) -> Sender:
    """Change the named fields of a sender and no others; what rested for its allowance is judged anew.

    Raises Conflict where its provider is to change and may still have messages that it has not answered for.
    """
    kept = Sender.objects.get(pk=sender.pk)
    if changes.get("provider", kept.provider) != kept.provider:
        _leave_provider(kept)
    Sender.objects.filter(pk=sender.pk).update(**changes, not_before=None)
    sender.refresh_from_db()
    audit.record("sender.changed", sender, actor=actor, fields=sorted(changes))
    if not sender.is_paused:
        ensure_lanes(sender)
    return sender


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
    audit.record(RESUMED, sender, actor=actor)
    ensure_lanes(sender)
    return sender


def hold_sender(sender: Sender, *, reason: str) -> bool:
    """Pause a sender whose provider takes nothing any more; return whether it was active.

    Staff are alerted once, though several lanes and the provider's own news may tell of it.
    """
    held = Sender.objects.filter(pk=sender.pk, status=SenderStatus.ACTIVE).update(
        status=SenderStatus.PAUSED, paused_reason=reason
    )
    if held:
        audit.record("sender.paused", sender, actor=audit.SYSTEM, reason=reason)
        raise_alert(f"The sender “{sender.name}” is paused", _what_to_do(sender, reason))
    return bool(held)


def _leave_provider(sender: Sender) -> None:
    """Take back what the present provider was not given; raise Conflict where it may have more than it has told.

    Another provider knows nothing of that, and would send it a second time.
    """
    if are_at_work(sender):
        raise _not_now(
            sender,
            "it is sending through it.",
            remedy="Pause it, and try again in a minute.",
        )
    begun = SendBatch.objects.unresolved().filter(sender=sender)
    unanswered = begun.filter(status=BatchStatus.ATTEMPTED).count()
    if unanswered:
        raise _not_now(
            sender,
            f"it may have messages of which no answer came ({unanswered:,} batches).",
            remedy="Resume it until they are settled or parked, or make another sender.",
        )
    dissolve(begun.values_list("pk", flat=True))


def _not_now(sender: Sender, why: str, *, remedy: str) -> Conflict:
    return Conflict(
        f"“{sender.name}” cannot leave {ProviderName(sender.provider).label} now: {why}",
        field="provider",
        value=sender.provider,
        remedy=remedy,
        code="provider_in_use",
    )


def _what_to_do(sender: Sender, reason: str) -> str:
    page = reverse("admin:messaging_sender_change", args=[sender.pk])
    return (
        f"The provider of “{sender.name}” takes nothing any more: {reason}\n\n"
        "Nothing is lost, and nothing goes out through this sender until a person resumes it.\n"
        f"Mend the reason, then press “Resume”: {settings.PUBLIC_URL}{page}\n"
    )


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
