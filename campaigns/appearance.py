"""How a status looks: a word, an icon and a tone, so that colour never speaks alone."""

from __future__ import annotations

from campaigns.models import Campaign
from campaigns.states import Status
from core.live import Look

LOOKS = {
    Status.DRAFT: Look("Draft", "edit_note", "quiet"),
    Status.SCHEDULED: Look("Scheduled", "schedule", "calm"),
    Status.SENDING: Look("Sending", "send", "calm"),
    Status.PAUSED: Look("Paused", "pause_circle", "warn"),
    Status.SENT: Look("Sent", "check_circle", "good"),
    Status.CANCELLED: Look("Cancelled", "cancel", "quiet"),
    Status.FAILED: Look("Failed", "error", "bad"),
}
CANCELLING = Look("Cancelling", "hourglass_top", "warn")
TO_NOBODY = Look("Sent to nobody", "error", "bad")
ASKS = Look("Late: needs your yes", "help", "warn")


def look_of(campaign: Campaign) -> Look:
    """Return how a campaign's state is shown."""
    if campaign.is_cancelling:
        return CANCELLING
    if campaign.status == Status.SCHEDULED and campaign.asks_since:
        return ASKS
    if campaign.status == Status.SENT and campaign.failure:
        return TO_NOBODY
    return LOOKS[Status(campaign.status)]


def in_its_zone(campaign: Campaign) -> str:
    """Return the scheduled moment as staff chose it: `1 March 2027, 09:30 (Europe/Berlin)`."""
    return f"{campaign.scheduled_local:%-d %B %Y, %H:%M} ({campaign.time_zone})"
