"""A call without a certain answer: looked up by its key, and parked for a person when it stays in doubt.

Looks are taken at shares of DOUBT_SECONDS after the call. What the provider lists was paid and is taken as the answer.
What it does not list, although it said itself that the call failed, is free to be asked again; anything else is not.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db.models import F

from core import clock
from core.errors import RetryAfter
from enrichment import ledger
from enrichment.models import AiCall
from enrichment.providers.base import CallOutcome, NotTaken
from enrichment.providers.registry import provider
from enrichment.states import CallStatus

LOOKS = (1 / 18, 1 / 3, 1.0)
GIVEN_UP = "given_up"


def look(call: AiCall) -> None:
    """Find out what became of a call in doubt; raises RetryAfter while it is too early to say."""
    asked = provider(call.provider)
    if asked.is_free:
        ledger.fail(call, NotTaken("free", "It costs nothing, and is simply asked again."))
        return
    _wait_for_the_moment(call)
    trouble = find(call)
    if call.status != CallStatus.UNKNOWN:
        return
    AiCall.objects.filter(pk=call.pk).update(looks=F("looks") + 1)
    call.refresh_from_db()
    if call.is_denied and not trouble:
        ledger.fail(
            call, NotTaken(call.problem_code, f"{call.problem} The provider does not list it.")
        )
    elif call.looks < len(LOOKS):
        look(call)  # at the next moment, which has come already where nobody could look in time
    else:
        ledger.park(
            call, why=f"{call.problem} {trouble or 'The provider does not list an answer.'}"
        )


def find(call: AiCall) -> str:
    """Take over the stored answer where the provider has one; return why it could not be asked, or nothing."""
    try:
        found = provider(call.provider).find(key=call.key)
    except CallOutcome as outcome:
        return f"It could not be looked up: {outcome.message}"
    if found:
        ledger.receive(call, found)
    return ""


def _wait_for_the_moment(call: AiCall) -> None:
    assert call.sent_at is not None
    share = LOOKS[min(call.looks, len(LOOKS) - 1)]
    due = call.sent_at + timedelta(seconds=share * settings.DOUBT_SECONDS)
    if clock.now() < due:
        raise RetryAfter("It is not known what became of the call; it is looked up.", until=due)
