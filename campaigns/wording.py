"""How numbers are told to staff: the audience, who is skipped and why, how long it will take."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.models import Campaign
from core.durations import in_words
from messaging.audience import AudienceCount
from messaging.gaps import Gap
from messaging.states import HoldPolicy
from messaging.streams import Tally

#: Reasons of the outbox, as they read after a number.
SKIPPED = {
    "no_address": "without an address",
    "no_consent": "without consent",
    "suppressed": "suppressed",
    "topic_declined": "who declined its topic",
    "erased": "erased",
    "cancelled": "cancelled",
    "expired": "too late to be of use",
    "quiet_hours": "where it was night",
    "frequency_cap": "who got enough of late",
    "template_error": "with a template error",
    "key_expired": "unanswered for 23 hours",
    "key_conflict": "whose key the provider knows with another content",
    "unreadable_answer": "with an answer that does not fit",
    "unanswered": "without an answer",
}
NIGHT: dict[str, str] = {
    HoldPolicy.SKIP: "Where it is night when it goes out, people are skipped.",
    HoldPolicy.IGNORE: "It goes out at night, too.",
}
ENOUGH: dict[str, str] = {
    HoldPolicy.SKIP: "Who got enough messages of late is skipped.",
    HoldPolicy.IGNORE: "Who got enough messages of late gets it all the same.",
}


def skipped_in_words(reasons: Mapping[str, int]) -> str:
    """Return `12 suppressed, 28 without consent`, the greatest number first, or nothing."""
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(
        f"{count:,} {SKIPPED.get(reason, reason.replace('_', ' '))}"
        for reason, count in ordered
        if count
    )


def nobody_got_it(figures: Tally) -> str:
    """Return `Nobody got it: 5 template error, 2 without consent.`, or nothing where somebody did or may have."""
    if figures.sent or figures.in_doubt:
        return ""
    return f"Nobody got it: {skipped_in_words(figures.reasons) or 'nobody was left on its lists'}."


def confirmation(count: AudienceCount, *, per_second: float | None) -> str:
    """Return the question before sending: how many people, how long, and who is left out."""
    return f"Send to {people(count.sendable)}? {forecast(count, per_second=per_second)}"


def forecast(count: AudienceCount, *, per_second: float | None) -> str:
    """Return how long it will take, and how many are left out and why."""
    duration = _duration(count.sendable, per_second)
    skipped = count.total - count.sendable
    why = skipped_in_words(count.skipped)
    return f"{duration} ({skipped:,} skipped: {why})." if skipped else f"{duration}."


def gap_in_words(gap: Gap) -> str:
    """Return `12 people have no contact.first_name: they would get it with a gap there.`"""
    have = "has" if gap.people == 1 else "have"
    result = "not get it, or with a gap there" if gap.may_fail else "get it with a gap there"
    return f"{people(gap.people)} {have} no {gap.variable}: they would {result}."


def policies_in_words(campaign: Campaign) -> list[str]:
    """Return what becomes of people who should not be written to now, where they do not simply wait."""
    sender = campaign.sender
    night = NIGHT.get(campaign.quiet_hours) if sender.quiet_from is not None else None
    enough = ENOUGH.get(campaign.over_cap) if sender.contact_cap is not None else None
    return [words for words in (night, enough) if words]


def people(number: int) -> str:
    """Return `1 person` or `12,431 people`."""
    return "1 person" if number == 1 else f"{number:,} people"


def _duration(number: int, per_second: float | None) -> str:
    if not per_second:
        return "This sender has no rate limit"
    words = in_words(number / per_second)
    return f"{words[0].upper()}{words[1:]} at this sender's rate"
