"""What Twilio's error codes mean to us (twilio.com/docs/api/errors), in answers and in status callbacks alike."""

from __future__ import annotations

from messaging.providers.base import (
    InDoubt,
    NotNow,
    OptedOut,
    ProviderOutcome,
    RateLimited,
    Rejected,
    SenderBlocked,
)

#: The recipient has answered STOP.
OPTED_OUT = frozenset({21610})
#: No message of this account or sender can go out until a person mends it; why, for that person.
BLOCKING = {
    20003: "the credentials are refused",
    20005: "the account is not active",
    20404: "there is no such account: look at TWILIO_ACCOUNT_SID and TWILIO_API_URL",
    21212: "the From number is not valid",
    21603: "a From number or a messaging service is required",
    21606: "the From number is not ours, or cannot send SMS",
    21609: "the address for status callbacks is not valid: look at PUBLIC_URL",
    21659: "the From number is of another country or kind",
    21703: "the messaging service has no number",
    21705: "the messaging service is not valid",
    30002: "the account is suspended",
    30034: "the number is not registered for A2P 10DLC",
    63038: "the account's daily limit is used up",
}
#: Why one message did not arrive, for people.
WORDS = {
    21610: "the person has opted out",
    30001: "too many were waiting",
    30003: "the telephone cannot be reached",
    30004: "the telephone takes no such messages",
    30005: "nobody has this number",
    30006: "a landline, or a carrier that cannot be reached",
    30007: "a carrier filtered it",
    30008: "no reason was given",
    30036: "it was not delivered in time",
    30450: "taken for fraud",
    30610: "quiet hours of its country",
}
#: Too many wait at Twilio already; nothing was taken.
QUEUE_FULL = frozenset({21611, 30001})
#: A clear error has a code of its own; a proxy's page has only a status.
FIRST_CODE = 10_000

RATE_WAIT = 1.0
QUEUE_WAIT = 30.0
LONGEST_WAIT = 300.0
#: Answers with these statuses do not say whether the request was worked on.
UNCLEAR = frozenset({408, 409, 425})


def outcome_of(
    *, status: int, code: int | None, message: str, retry_after: str = ""
) -> ProviderOutcome:
    """Return what an answer other than 2xx means. Below 500 nothing was sent, unless the status leaves it open."""
    number = code or status
    name = str(number)
    if number in OPTED_OUT:
        return OptedOut(name, message, http_status=status)
    if number in BLOCKING:
        return SenderBlocked(name, message, http_status=status)
    if number in QUEUE_FULL:
        return NotNow(name, message, wait=QUEUE_WAIT, http_status=status)
    if status == 429:
        return RateLimited(name, message, wait=seconds(retry_after), http_status=status)
    if status >= 500 or status in UNCLEAR:
        return InDoubt(name, message, http_status=status)
    if number < FIRST_CODE or status in (401, 403):
        return SenderBlocked(name, message, http_status=status)
    return Rejected(name, message, http_status=status)


def in_words(code: str) -> str:
    """Return a code of a status callback with what it means, where we know it: `30003, the telephone …`."""
    number = _number(code)
    known = WORDS.get(number) or BLOCKING.get(number)
    return f"{code}, {known}" if known else code


def blocking(code: str) -> str:
    """Return a code and why nothing of its sender can go out any more, or nothing where others may."""
    known = BLOCKING.get(_number(code))
    return f"{code}: {known}" if known else ""


def _number(code: str) -> int:
    return int(code[:9]) if code.isascii() and code.isdecimal() else 0


def seconds(retry_after: str) -> float:
    """Read a `retry-after`; a missing, malformed or absurd one means a short, bounded wait."""
    try:
        return min(max(float(retry_after), 0.1), LONGEST_WAIT)
    except ValueError:
        return RATE_WAIT
