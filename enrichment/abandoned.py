"""Calls whose run ended before they did: it was cancelled, or failed, or was deleted."""

from __future__ import annotations

from django.db.models import Q

from core.errors import RetryAfter
from enrichment import doubts, ledger
from enrichment.models import AiCall
from enrichment.providers.base import InDoubt, NotTaken
from enrichment.states import CallStatus
from jobs.states import OVER

OPEN = (CallStatus.RESERVED, CallStatus.SENT, CallStatus.UNKNOWN)


def settle_abandoned() -> int:
    """Bring each such call as far as it goes now; return how many are settled or parked."""
    nobodys = Q(run=None) | Q(run__status__in=OVER)
    calls = AiCall.objects.filter(nobodys, status__in=OPEN).order_by("id")[:500]
    return sum(map(_see_to, calls))


def _see_to(call: AiCall) -> bool:
    if call.status == CallStatus.RESERVED:
        return ledger.fail(call, NotTaken("run_over", "Its run ended before it was made."))
    if call.status == CallStatus.SENT:
        ledger.doubt(call, InDoubt("run_over", "Its run ended before an answer was kept."))
    try:
        doubts.look(call)
    except RetryAfter:
        return False
    return call.status != CallStatus.UNKNOWN
