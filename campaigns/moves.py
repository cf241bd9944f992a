"""One way to change a campaign's status: compare, swap, and say why not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from campaigns.models import Campaign
from campaigns.states import TRANSITIONS, UNDER_WAY, Status
from core.errors import Conflict

REMEDIES = {
    Status.DRAFT: "Change it, send it or schedule it.",
    Status.SCHEDULED: "Put it back to draft first.",
    Status.SENDING: "Pause or cancel it if it must stop.",
    Status.PAUSED: "Resume or cancel it.",
    Status.FAILED: "Retry its run, or cancel it.",
    Status.SENT: "Make a new campaign to send again.",
    Status.CANCELLED: "Make a new campaign to send again.",
}
STANDINGS = {
    Status.DRAFT: "is a draft",
    Status.PAUSED: "is paused",
    Status.FAILED: "failed",
    Status.SENT: "was sent",
    Status.CANCELLED: "was cancelled",
}


def move(
    campaign: Campaign, *, allowed: Iterable[Status], to: Status, wish: str, **fields: Any
) -> None:
    """Set `to` and `fields` if the campaign stands in one of `allowed`, else raise Conflict.

    The caller's object is read again: what follows in the transaction sees the row as it is.
    """
    if not moved(campaign, allowed=allowed, to=to, **fields):
        campaign.refresh_from_db()
        raise conflict(campaign, wish=wish)
    campaign.refresh_from_db()


def moved(campaign: Campaign, *, allowed: Iterable[Status], to: Status, **fields: Any) -> bool:
    """Compare and swap: return whether this caller was the one who moved it."""
    starts = [status for status in allowed if to in TRANSITIONS[status]]
    rows = Campaign.objects.filter(pk=campaign.pk, status__in=starts)
    return rows.update(status=to, **fields) == 1


def conflict(campaign: Campaign, *, wish: str) -> Conflict:
    """Return the refusal of a wish (`be sent`, `be paused`) that the state does not allow."""
    return Conflict(
        f"“{campaign.name}” cannot {wish}: it {_standing(campaign)}.",
        field="status",
        value=str(campaign.status),
        remedy="It ends by itself."
        if campaign.is_cancelling
        else REMEDIES[Status(campaign.status)],
    )


def _standing(campaign: Campaign) -> str:
    if campaign.is_cancelling:
        return f"is being cancelled since {_moment(campaign.cancel_asked_at)}"
    if campaign.status in UNDER_WAY and campaign.status != Status.PAUSED:
        return f"is already sending since {_moment(campaign.launched_at)}"
    if campaign.status == Status.SCHEDULED:
        return f"is scheduled for {_moment(campaign.scheduled_at)}"
    at = f" at {_moment(campaign.finished_at)}" if campaign.finished_at else ""
    return f"{STANDINGS[Status(campaign.status)]}{at}"


def _moment(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else "an unknown time"
