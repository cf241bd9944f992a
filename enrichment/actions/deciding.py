"""What a person decides about a call that stays in doubt."""

from __future__ import annotations

from django.db import transaction

from core import audit
from core.errors import Conflict
from enrichment import doubts, ledger
from enrichment.models import AiCall
from enrichment.states import CallStatus
from jobs.events.sending import send_event


def look_again(call: AiCall, *, actor: str) -> bool:
    """Ask the provider once more whether it has the answer; True where it was found, and the run goes on."""
    _check_parked(call)
    doubts.find(call)
    if call.status != CallStatus.RECEIVED:
        return False
    audit.record("ai_call.decided", call, actor=actor, decision="found")
    return True


def ask_again(call: AiCall, *, actor: str) -> None:
    """Pay once more: the doubtful call counts as spent, and its run asks anew. Raises Conflict unless it is parked."""
    _abandon(call, "asked_again", actor)


def give_up(call: AiCall, *, actor: str) -> None:
    """Let the run end without an answer; the doubtful call counts as spent. Raises Conflict unless it is parked."""
    _abandon(call, doubts.GIVEN_UP, actor)


def _abandon(call: AiCall, decision: str, actor: str) -> None:
    with transaction.atomic():
        if not ledger.abandon(call, actor=actor):
            _check_parked(call)
        AiCall.objects.filter(pk=call.pk).update(problem_code=decision)
        audit.record("ai_call.decided", call, actor=actor, decision=decision)
        send_event(ledger.DECIDED, {"call": call.public_id, "decision": decision}, actor=actor)
    call.refresh_from_db()


def _check_parked(call: AiCall) -> None:
    call.refresh_from_db()
    if call.status != CallStatus.PARKED:
        raise Conflict(
            f"{call.public_id} does not wait for a decision: {call.get_status_display().lower()}.",
            field="status",
            value=call.status,
        )
