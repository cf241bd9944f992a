"""How many runs go on at once: decided where runs are claimed, by counting what is held, never by a counter that leaks.

A run names up to two slots, each with how many runs may be held by workers under that name. Whoever counts, claims,
blocks or gives back such a run holds one short lock, so that counts are exact and no wake-up falls between a run that
is just being blocked and the one that just ends. (On SQLite every writing transaction excludes the others.)
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, F, Q

from core import clock
from core.sql import Literal
from jobs import limits, wakeup
from jobs.database import is_postgres
from jobs.models import Hold, Run
from jobs.states import RunStatus

#: So many runs at the head of a queue are looked at in one claim.
PEEK = 100
_LOCK = 7_261_531_001
_BLOCKED = Literal(RunStatus.BLOCKED)


def hold_of_workflow(name: str) -> str:
    return f"workflow:{name}"


def hold_of_queue(name: str) -> str:
    return f"queue:{name}"


def lock() -> None:
    """Keep all others from counting until the end of the present transaction."""
    if is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def used(slots: Collection[str]) -> Counter[str]:
    """Count the runs that hold each of these slots."""
    counts: Counter[str] = Counter()
    for field in ("slot", "second_slot"):
        rows = Run.objects.held().filter(**{f"{field}__in": slots})
        counts.update(dict(rows.values_list(field).annotate(Count("pk")).order_by()))
    return counts


@contextmanager
def releasing(slots: Collection[str]) -> Iterator[None]:
    """Let whoever is blocked by these slots go on, in one transaction with the block that gives them back."""
    if not slots:
        yield
        return
    with transaction.atomic():
        lock()
        yield
        for slot in slots:
            free(slot)


def free(slot: str) -> int:
    """Make ready as many of the oldest runs blocked by a slot as fit. To be called under the lock. Returns how many."""
    blocked = Run.objects.filter(status=_BLOCKED, blocked_by=slot).order_by("sort_at", "id")
    first = blocked.first()
    if first is None:
        return 0
    room = first.slots.get(slot, 0) - used([slot])[slot]
    if room <= 0:
        return 0
    freed = dict(blocked.values_list("pk", "queue")[:room])
    waiting = Run.objects.filter(pk__in=freed, status=RunStatus.BLOCKED)
    for queue in set(freed.values()):
        wakeup.notify(queue)
    return waiting.update(status=RunStatus.READY, blocked_by="")


def sweep() -> int:
    """Free whom nobody freed, should that ever happen; returns how many."""
    blocking = Run.objects.filter(status=_BLOCKED).exclude(slot="", second_slot="")
    freed = 0
    for slot in blocking.values_list("blocked_by", flat=True).distinct():
        with transaction.atomic():
            lock()
            freed += free(slot)
    return freed


class Turnstile:
    """One look at the head of a queue: the first run whose limits let it through; the others go where they wait."""

    def __init__(self, candidates: list[Run]) -> None:
        self.candidates = candidates
        self.used = used({slot for run in candidates for slot in run.slots})
        self.paused = set(Hold.objects.on().values_list("key", flat=True))
        self.blocked: dict[str, list[UUID]] = defaultdict(list)
        self.late: dict[str, list[Run]] = defaultdict(list)

    def choose(self) -> Run | None:
        """Return the first run that may go now, and write down why those before it may not."""
        chosen = next((run for run in self.candidates if self._may_go(run)), None)
        self._block()
        self._delay()
        return chosen

    def _may_go(self, run: Run) -> bool:
        full = self._full_slot_of(run)
        if full:
            self.blocked[full].append(run.pk)
        return not full and self._is_in_pace(run)

    def _full_slot_of(self, run: Run) -> str:
        paused = hold_of_workflow(run.workflow)
        if paused in self.paused:
            return paused
        return next((slot for slot, most in run.slots.items() if self.used[slot] >= most), "")

    def _is_in_pace(self, run: Run) -> bool:
        pace = run.throttle
        if pace is None or run.started_at:
            return True
        if run.is_admitted:
            return not limits.paused_for(pace["key"]) or self._comes_later(run)
        if pace["key"] in self.late:
            return self._comes_later(run)
        return not limits.take(amount=1, **pace) or self._comes_later(run)

    def _comes_later(self, run: Run) -> bool:
        assert run.throttle
        self.late[run.throttle["key"]].append(run)
        return False

    def _block(self) -> None:
        for slot, ids in self.blocked.items():
            Run.objects.filter(pk__in=ids, status=RunStatus.READY).update(
                status=RunStatus.BLOCKED, blocked_by=slot, is_admitted=False
            )

    def _delay(self) -> None:
        """Give each run that was too early a start of its own, so that no herd asks again."""
        now = clock.now()
        for runs in self.late.values():
            pace: dict[str, Any] = runs[0].throttle or {}
            first, distance = limits.reserve(amount=len(runs), **pace)
            for number, run in enumerate(runs):
                run.status, run.is_admitted = RunStatus.WAITING, True
                run.due_at = now + timedelta(seconds=first + number * distance)
            Run.objects.bulk_update(runs, ["status", "is_admitted", "due_at"])


def head_of(queue: str) -> list[Run]:
    """Lock and return the first ready runs of a queue that no other claimer holds; of a paused queue, none."""
    if Hold.objects.on().filter(key=hold_of_queue(queue)).exists():
        return []
    ready = Run.objects.filter(Q(status=Literal(RunStatus.READY)), queue=queue)
    first = ready.order_by("sort_at", "id").select_for_update(skip_locked=True)
    return list(
        first.only(
            "workflow",
            "slot",
            "slot_limit",
            "second_slot",
            "second_limit",
            "throttle",
            "is_admitted",
            "started_at",
            "epoch",
            "is_limited",
        )[:PEEK]
    )


def take_up(run: Run, **claim: Any) -> int:
    """Claim a chosen run; return its new epoch. What only its start had to ask for is not asked again."""
    Run.objects.filter(pk=run.pk, status=RunStatus.READY).update(
        status=RunStatus.CLAIMED,
        epoch=F("epoch") + 1,
        is_limited=bool(run.slots),
        **claim,
    )
    return run.epoch + 1
