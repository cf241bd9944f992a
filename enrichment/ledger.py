"""The moves of a paid call, each compare-and-swap and each with its money in the same transaction.

`reserved` and its money commit before anything is sent; `sent` commits before the call. So whatever dies, the row says
whether the call may have been paid: what is still `reserved` was not, what is `sent` is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from core import audit, clock
from core.api.parsing import storable
from enrichment import budgets
from enrichment.budgets import Payer
from enrichment.models import AiCall, BudgetUse
from enrichment.prices import price_of
from enrichment.pricing import Usage, cost_of, most_for
from enrichment.providers.base import CallOutcome, Completion
from enrichment.states import TRANSITIONS, CallStatus
from jobs.events.sending import send_event
from messaging.alerts import raise_alert

Fence = Callable[[], None]
#: A parked call needs nobody any more: a person decided, or its answer came after all.
DECIDED = "ai_call.decided"


def move(call: AiCall, to: CallStatus, **fields: Any) -> bool:
    """Compare and swap: whether this caller moved it. The caller's object is read again either way."""
    starts = [status for status, ends in TRANSITIONS.items() if to in ends]
    moved = AiCall.objects.filter(pk=call.pk, status__in=starts).update(status=to, **fields)
    call.refresh_from_db()
    return moved == 1


def open_call(call: AiCall, *, payer: Payer, fence: Fence) -> AiCall:
    """Insert a new call with its money set aside; where one of its key stands, return that instead.

    Raises Refused where the model has no price or a budget does not hold it: then there is no row.
    """
    try:
        with transaction.atomic():
            uses = _set_aside(call, payer)
            call.save(force_insert=True)
            call.budget_uses.set(uses)
            fence()
    except IntegrityError:
        first = AiCall.objects.filter(key=call.key).first()
        if first is None:
            raise
        return first
    return call


def reopen(call: AiCall, *, payer: Payer, fence: Fence) -> bool:
    """Set money aside once more for a call that was certainly not taken."""
    with transaction.atomic():
        if not move(call, CallStatus.RESERVED, looks=0, is_denied=False):
            return False
        uses = _set_aside(call, payer)
        call.save(update_fields=["price", "reserved_micros"])
        call.budget_uses.set(uses)
        fence()
    return True


def _set_aside(call: AiCall, payer: Payer) -> list[BudgetUse]:
    """Set aside the most that a call can cost; the sandbox costs nothing."""
    call.price = None if call.is_sandbox else price_of(call.model)
    call.reserved_micros = most_for(call.request, call.price)
    return budgets.reserve(payer, amount=call.reserved_micros) if call.price else []


def mark_sent(call: AiCall, *, fence: Fence) -> bool:
    """Say before the call that it is about to be made; False where another says so already."""
    with transaction.atomic():
        is_mine = move(
            call,
            CallStatus.SENT,
            sent_at=clock.now(),
            attempts=F("attempts") + 1,
            problem="",
            problem_code="",
        )
        fence()
    return is_mine


def receive(call: AiCall, answers: Sequence[Completion]) -> bool:
    """Keep the raw answer and settle what it cost; several answers to one question are all paid, the first is used.

    Not fenced: an answer that was paid for is kept, whoever holds the run by now. Characters that no database keeps are
    left out of it. One that does not say what it used counts with all that was set aside. Where a person was to decide,
    nobody needs to any more, and the run goes on.
    """
    first, body = answers[0], storable(answers[0].body)
    usages = [Usage.of(each.body) for each in answers]
    usage = sum(usages, Usage())
    untold = sum(not each.input for each in usages)
    with transaction.atomic():
        was_parked = _standing_of(call) == CallStatus.PARKED
        is_new = move(
            call,
            CallStatus.RECEIVED,
            response=body,
            provider_id=str(body.get("id") or "")[:200],
            request_id=first.request_id[:200],
            tier=str(body.get("service_tier") or "")[:40],
            input_tokens=usage.input,
            cached_tokens=usage.cached,
            output_tokens=usage.output,
            reasoning_tokens=usage.reasoning,
            cost_micros=cost_of(usage, call.price) + untold * F("reserved_micros"),
            received_at=clock.now(),
            problem="",
            problem_code="",
        )
        if is_new:
            _settle(call, cost=call.cost_micros)
        if is_new and was_parked:
            send_event(DECIDED, {"call": call.public_id, "decision": "found"})
    return is_new


def _standing_of(call: AiCall) -> str:
    """Return how a call stands, and let nobody else move it until the transaction ends."""
    one = AiCall.objects.select_for_update().filter(pk=call.pk)
    return one.values_list("status", flat=True).get()


def fail(call: AiCall, outcome: CallOutcome) -> bool:
    """Note that certainly nothing was done, and give the money back."""
    with transaction.atomic():
        is_new = move(call, CallStatus.FAILED, **_told(outcome))
        if is_new:
            _settle(call, cost=0)
    return is_new


def doubt(call: AiCall, outcome: CallOutcome, *, is_denied: bool = False) -> bool:
    """Note that nobody knows what became of it; its money stays set aside."""
    return move(call, CallStatus.UNKNOWN, is_denied=is_denied, **_told(outcome))


def park(call: AiCall, *, why: str) -> bool:
    """Leave a doubt to a person, and tell staff."""
    with transaction.atomic():
        is_new = move(call, CallStatus.PARKED, problem=why)
        if is_new:
            audit.record("ai_call.parked", call, actor=audit.SYSTEM)
            raise_alert(
                f"An AI call waits for you: {call.public_id}",
                f"{why}\n\nLook at the provider's own log, then decide on the call's page whether it is asked again.",
            )
    return is_new


def abandon(call: AiCall, *, actor: str) -> bool:
    """Give a parked call up; what was set aside for it counts as spent, for it may have been."""
    with transaction.atomic():
        is_new = move(
            call, CallStatus.ABANDONED, cost_micros=F("reserved_micros"), decided_by=actor
        )
        if is_new:
            _settle(call, cost=call.cost_micros)
    return is_new


def _settle(call: AiCall, *, cost: int) -> None:
    budgets.settle(list(call.budget_uses.all()), reserved=call.reserved_micros, cost=cost)
    AiCall.objects.filter(pk=call.pk).update(reserved_micros=0)
    call.reserved_micros = 0


def _told(outcome: CallOutcome) -> dict[str, str]:
    told = {"problem_code": outcome.code, "problem": outcome.message}
    return told | ({"request_id": outcome.request_id[:200]} if outcome.request_id else {})
