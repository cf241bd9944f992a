"""Cost by purpose and day, as lines; and a call as it is shown."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from core import clock
from enrichment.budgets import Payer, budgets_for, standing_of
from enrichment.costs import costs_by_day
from enrichment.models import AiCall
from enrichment.pricing import in_dollars
from messaging.charting import points

DAYS = 30
WIDTH, HEIGHT = 320, 48


@dataclass(frozen=True)
class Line:
    """What one purpose cost, day by day."""

    purpose: str
    values: tuple[int, ...]
    calls: int

    @property
    def total(self) -> str:
        return in_dollars(sum(self.values))

    @property
    def points(self) -> str:
        return points(self.values, width=WIDTH, height=HEIGHT, top=max(self.values))

    @property
    def area(self) -> str:
        return f"0,{HEIGHT} {self.points} {WIDTH},{HEIGHT}"

    @property
    def description(self) -> str:
        return f"{self.purpose}: {self.total} in all, at most {in_dollars(max(self.values))} a day"


@dataclass(frozen=True)
class Spending:
    """The last days: a line per purpose, the table behind it, and how today's and this month's budgets stand."""

    days: tuple[date, ...]
    lines: tuple[Line, ...]
    caps: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def total(self) -> str:
        return in_dollars(sum(sum(line.values) for line in self.lines))

    def rows(self) -> list[tuple[date, list[str]]]:
        """Return the table: a day, and what each purpose cost; days without calls are left out."""
        columns = zip(*(line.values for line in self.lines), strict=True)
        days = zip(self.days, columns, strict=True) if self.lines else ()
        return [(day, [in_dollars(each) for each in row]) for day, row in days if any(row)]


def spending() -> Spending:
    """Return what was spent in the last 30 days."""
    today = timezone.localtime(clock.now()).date()
    days = tuple(today - timedelta(days=back) for back in reversed(range(DAYS)))
    by_purpose: dict[str, dict[date, int]] = defaultdict(dict)
    calls: dict[str, int] = defaultdict(int)
    for row in costs_by_day(since=days[0], until=today):
        by_purpose[row["purpose"]][row["day"]] = row["cost_micros"]
        calls[row["purpose"]] += row["calls"]
    lines = tuple(
        Line(purpose, tuple(costs.get(day, 0) for day in days), calls[purpose])
        for purpose, costs in sorted(by_purpose.items())
    )
    return Spending(days, lines, tuple(caps_of_today()))


def caps_of_today() -> list[str]:
    """Return in words how the budgets of today and this month stand."""
    told = []
    for budget, period in budgets_for(Payer()):
        now = standing_of(budget, period)
        held = f", {in_dollars(now['reserved'])} set aside" if now["reserved"] else ""
        told.append(
            f"{period}: {in_dollars(now['spent'])} of {in_dollars(budget.cap_micros)} spent{held}"
        )
    return told


def shown(call: AiCall) -> dict[str, Any]:
    """Return what the page of a call draws."""
    return {
        "call": call,
        "cost": in_dollars(call.cost_micros),
        "held": in_dollars(call.reserved_micros) if call.reserved_micros else "",
        "messages": call.request.get("messages", []),
        "request": json.dumps(call.request, indent=1, ensure_ascii=False),
        "response": json.dumps(call.response, indent=1, ensure_ascii=False)
        if call.response
        else "",
    }
