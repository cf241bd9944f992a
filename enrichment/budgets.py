"""Setting money aside and settling it, exact over any number of workers.

Every budget that holds for a call has one row per period. Money is set aside by a conditional UPDATE of that row: it
succeeds only while what is spent and what is set aside, this included, stay within the cap. The rows are taken in the
order of their keys, so that two calls never wait for each other.

A budget counts its whole period: one that is set in the middle of it begins with what the ledger says was spent before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, Sum
from django.utils import timezone

from core import clock
from core.errors import NotFound, Refused, RetryAfter
from core.ids import decode
from enrichment.models import AiCall, Budget, BudgetUse
from enrichment.pricing import in_dollars
from enrichment.states import Scope

#: Others have set money aside that they will mostly give back: it is worth asking again.
ASK_AGAIN_SECONDS = 5.0


@dataclass(frozen=True)
class Payer:
    """On whose account a call goes: public ids of its run and client; empty where it has none."""

    run: str = ""
    client: str = ""


class BudgetExhausted(Refused):
    """A budget does not hold what a call may cost."""

    code = "budget_exhausted"


def reserve(payer: Payer, *, amount: int) -> list[BudgetUse]:
    """Set money aside in every budget that holds, or in none; return the rows that hold it.

    Runs in one transaction. Raises BudgetExhausted where a cap does not allow it, RetryAfter where it would once others
    have settled.
    """
    with transaction.atomic():
        uses = [_use_of(budget, period) for budget, period in budgets_for(payer)]
        for use in sorted(uses, key=lambda each: each.pk):
            _take(use, amount)
        return uses


def settle(uses: Sequence[BudgetUse], *, reserved: int, cost: int) -> None:
    """Turn money that was set aside into what was really spent, in the caller's transaction."""
    for use in sorted(uses, key=lambda each: each.pk):
        BudgetUse.objects.filter(pk=use.pk).update(
            reserved_micros=F("reserved_micros") - reserved, spent_micros=F("spent_micros") + cost
        )


def budgets_for(payer: Payer) -> Iterator[tuple[Budget, str]]:
    """Yield the budgets that hold for a payer now, and in which period each counts.

    One for this very client or run stands in place of the general one.
    """
    today = timezone.localtime(clock.now())
    periods = {
        Scope.DAY: f"{today:%Y-%m-%d}",
        Scope.MONTH: f"{today:%Y-%m}",
        Scope.CLIENT: payer.client,
        Scope.RUN: payer.run,
    }
    mine = [each for each in (payer.client, payer.run) if each]
    found = Budget.objects.filter(Q(subject="") | Q(subject__in=mine)).order_by("subject")
    closest = {Scope(budget.scope): budget for budget in found}
    for scope, budget in closest.items():
        if periods[scope]:
            yield budget, periods[scope]


def _use_of(budget: Budget, period: str) -> BudgetUse:
    uses = BudgetUse.objects.select_related("budget").filter(budget=budget, period=period)
    if found := uses.first():
        return found
    first = BudgetUse(budget=budget, period=period, spent_micros=_spent_before(budget, period))
    BudgetUse.objects.bulk_create([first], ignore_conflicts=True)
    return uses.get()


def _spent_before(budget: Budget, period: str) -> int:
    """Return what the calls of a period cost before its budget was there; those under way count with the most."""
    calls = AiCall.objects.filter(_in_period(budget.scope, period))
    sums = calls.aggregate(cost=Sum("cost_micros"), held=Sum("reserved_micros"))
    return (sums["cost"] or 0) + (sums["held"] or 0)


def _in_period(scope: str, period: str) -> Q:
    """Return what tells the calls of a period in the ledger."""
    if scope == Scope.CLIENT:
        client = _key_of("cli", period)
        return Q(client=client) if client else Q(pk=None)
    if scope == Scope.RUN:
        run = _key_of("run", period)
        return Q(run=run) | Q(run__parent=run) if run else Q(pk=None)
    day = date.fromisoformat(period if scope == Scope.DAY else f"{period}-01")
    return Q(created_at__gte=datetime.combine(day, time.min, timezone.get_default_timezone()))


def _key_of(prefix: str, public_id: str) -> UUID | None:
    """Return the key behind a public id; None where it is the id of something else."""
    try:
        return UUID(int=decode(prefix, public_id))
    except (NotFound, ValueError):
        return None


def _take(use: BudgetUse, amount: int) -> None:
    cap = use.budget.cap_micros
    # The condition stands on the row's own columns: PostgreSQL looks at them anew when it had to wait for the row.
    fitting = BudgetUse.objects.filter(
        pk=use.pk, reserved_micros__lte=cap - amount - F("spent_micros")
    )
    if not fitting.update(reserved_micros=F("reserved_micros") + amount):
        use.refresh_from_db()
        raise _why_not(use, amount)


def _why_not(use: BudgetUse, amount: int) -> Exception:
    cap, spent = use.budget.cap_micros, use.spent_micros
    if use.reserved_micros and spent + amount <= cap:
        return RetryAfter(
            f"{in_dollars(use.reserved_micros)} of “{use.budget}” are set aside for calls under way.",
            seconds=ASK_AGAIN_SECONDS,
        )
    period = f" in {use.period}" if use.budget.scope in (Scope.DAY, Scope.MONTH) else ""
    return BudgetExhausted(
        f"The budget “{use.budget}” of {in_dollars(cap)} has {in_dollars(max(cap - spent, 0))} left{period},"
        f" and this call may cost {in_dollars(amount)}.",
        field="budget",
        value=use.budget.public_id,
        remedy="Raise the budget, or wait for its next period; then retry the run.",
    )


def standing_of(budget: Budget, period: str) -> dict[str, Any]:
    """Return what is spent, set aside and left of a budget in one period."""
    use = BudgetUse.objects.filter(budget=budget, period=period).first()
    if use is None:
        use = BudgetUse(spent_micros=_spent_before(budget, period))
    spent, held = use.spent_micros, use.reserved_micros
    return {"spent": spent, "reserved": held, "left": max(budget.cap_micros - spent - held, 0)}
