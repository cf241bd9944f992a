"""Runs that a run starts and joins: inserted with the step that waits for them, counted down as each of them ends.

The parent sleeps without a worker. Whoever brings the count to zero wakes it, in the transaction of its own ending, so
that no wake-up is lost; the parent holds the row of the count whenever it decides to go on sleeping.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F

from core.errors import PermanentFailure
from jobs import registry, rows_of_runs, wakeup
from jobs.database import key_of
from jobs.drafting import draft_run
from jobs.events import standing
from jobs.models import Join, Run, RunQuerySet, Step
from jobs.registry import Workflow
from jobs.starting import CHUNK, FRESH, start_for_itself
from jobs.states import OVER, RunStatus, StepStatus

#: So many failures are named in an error; all of them stand on the page of the run.
NAMED = 5


class Failures(StrEnum):
    """What becomes of a step some of whose children fail."""

    RAISE = "raise"  #: all come to their end, then the step fails
    STOP = "stop"  #: the first failure fails the step, and cancels the others
    KEEP = "keep"  #: a failed child's place in the answer holds its ChildFailed


class ChildFailed(PermanentFailure):
    """A child that did not complete: `run` is its public id, `status` how it ended."""

    def __init__(self, run: str, status: str, message: str) -> None:
        super().__init__(f"{run} {status}: {message}" if message else f"{run} {status}")
        self.run, self.status, self.message = run, status, message


class ChildrenFailed(PermanentFailure):
    """Some children did not complete; `failed` holds them."""

    def __init__(self, failed: Sequence[ChildFailed], *, of: int) -> None:
        named = "; ".join(map(str, failed[:NAMED]))
        more = f"; and {len(failed) - NAMED} more" if len(failed) > NAMED else ""
        super().__init__(f"{len(failed)} of {of} children did not complete: {named}{more}")
        self.failed = failed


@dataclass(frozen=True, slots=True)
class Brood:
    """What one step starts: a workflow once per input, so many at once."""

    workflow: str
    inputs: Sequence[Mapping[str, Any]]
    parallel: int | None
    failures: Failures

    def start(self, parent: Run, step: str) -> None:
        """Insert the children and their count, in the caller's transaction."""
        Join.objects.create(
            run=parent,
            step=step,
            remaining=len(self.inputs),
            is_impatient=self.failures is Failures.STOP,
            is_bounded=self.parallel is not None,
        )
        known = registry.get(self.workflow)
        if known.singleton or known.rate_limit:
            self._start_one_by_one(parent, step, known)
            return
        rows = self._drafts(parent, step)
        while chunk := [run for _, run in zip(range(CHUNK), rows, strict=False)]:
            rows_of_runs.insert_many(chunk)
            standing.stand_by(chunk)

    def _start_one_by_one(self, parent: Run, step: str, workflow: Workflow) -> None:
        """Start each as any other start of a singleton or under a rate limit: what may not be is skipped, and over."""
        for draft in self._drafts(parent, step):
            if start_for_itself(draft, workflow).status == RunStatus.SKIPPED:
                Run.objects.filter(pk=draft.pk).update(is_joined=True, blocked_by="")
                count_many(parent.pk, step, 1)
        if self.parallel is not None:  # some that had a turn may be over already
            under_way = Run.objects.active().filter(parent=parent, parent_step=step)
            for _ in range(self.parallel - under_way.exclude(status=RunStatus.BLOCKED).count()):
                _free_next(parent.pk, step)

    def _drafts(self, parent: Run, step: str) -> Iterator[Run]:
        workflow = registry.get(self.workflow)
        queue = workflow.queue or parent.queue
        for index, input in enumerate(self.inputs):
            run = draft_run(workflow, input=input, actor=parent.actor, queue=queue)
            run.parent, run.parent_step, run.child_index = parent, step, index
            run.sort_at = parent.sort_at
            if self.parallel is not None and index >= self.parallel:
                run.status, run.blocked_by = RunStatus.BLOCKED, _turn_of(parent.pk, step)
            yield run


def count_down(child: Run) -> None:
    """Count the end of a child, in its own transaction; the last one wakes the parent, and each frees the next."""
    assert child.parent_id
    failed = child.status != RunStatus.COMPLETED
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE jobs_join SET remaining = remaining - 1, failed = failed + %s"
            " WHERE run_id = %s AND step = %s AND remaining > 0"
            " RETURNING remaining, is_impatient, is_bounded",
            [int(failed), key_of(child.parent_id), child.parent_step],
        )
        row = cursor.fetchone()
    if row is None:
        return
    remaining, is_impatient, is_bounded = row
    if remaining == 0 or (failed and is_impatient):
        _wake(child)
    elif is_bounded:
        _free_next(child.parent_id, child.parent_step)


def _wake(child: Run) -> None:
    assert child.parent_id
    sleeping = Run.objects.filter(pk=child.parent_id, status=RunStatus.WAITING)
    if sleeping.update(status=RunStatus.READY, due_at=None):
        for queue in Run.objects.filter(pk=child.parent_id).values_list("queue", flat=True):
            wakeup.notify(queue)


def _free_next(parent_id: UUID, step: str) -> None:
    blocked = Run.objects.filter(status=RunStatus.BLOCKED, blocked_by=_turn_of(parent_id, step))
    first = blocked.order_by("sort_at", "id").select_for_update(skip_locked=True)
    following = first.values_list("pk", "queue").first()
    if following is None:
        return
    run_id, queue = following
    if blocked.filter(pk=run_id).update(status=RunStatus.READY, blocked_by=""):
        wakeup.notify(queue)


def _turn_of(parent_id: Any, step: str) -> str:
    return f"turn:{parent_id}:{step}"[:200]


def remaining(run: Run, step: str) -> Join:
    """Lock and return the count of a step's children: nobody counts down until the present transaction ends."""
    return Join.objects.select_for_update().get(run=run, step=step)


def failed_children(run: Run, step: str) -> Iterator[Run]:
    of = Run.objects.filter(parent=run, parent_step=step, status__in=OVER)
    return of.exclude(status=RunStatus.COMPLETED).iterator()


def count_many(parent_id: UUID, step: str, count: int) -> None:
    """Count children that were cancelled at once or never begun, whose parent does not wait for them."""
    Join.objects.filter(run=parent_id, step=step).update(
        remaining=F("remaining") - count, failed=F("failed") + count
    )


def results(run: Run, step: str) -> dict[str, Any]:
    """Return what the children came to, as it is kept: outputs in the order of the inputs, and failures by place."""
    outputs: list[Any] = []
    failed: dict[str, dict[str, str]] = {}
    rows = Run.objects.filter(parent=run, parent_step=step).order_by("child_index")
    wanted = ("id", "status", "output", "error", "reason")
    for place, child in enumerate(rows.only(*wanted).iterator()):
        outputs.append(child.output)
        if child.status != RunStatus.COMPLETED:
            message = (child.error or {}).get("message") or child.reason
            failed[str(place)] = {
                "run": child.public_id,
                "status": child.status,
                "message": message,
            }
    return {"outputs": outputs, "failed": failed}


def failures_of(kept: Mapping[str, Any]) -> dict[int, ChildFailed]:
    return {int(place): ChildFailed(**told) for place, told in kept["failed"].items()}


def take_up_again(run: Run, step: str, *, parallel: int | None) -> int:
    """Put the children that did not complete back in the queue, for the second attempt at their step; return how many.

    Those that were completed stay so, and are not run again. At most `parallel` of the others are under way at once.
    """
    again = Run.objects.filter(parent=run, parent_step=step)
    failed = again.filter(status__in=OVER - {RunStatus.COMPLETED})
    Step.objects.filter(status__in=[StepStatus.FAILED, StepStatus.RETRYING], run__in=failed).update(
        status=StepStatus.RETRYING, attempts=0, wake_at=None
    )
    waiting = [] if parallel is None else _behind(failed, parallel)
    count = failed.update(
        status=RunStatus.READY, is_joined=False, reason="", blocked_by="", **FRESH
    )
    for first in range(0, len(waiting), CHUNK):
        Run.objects.filter(pk__in=waiting[first : first + CHUNK]).update(
            status=RunStatus.BLOCKED, blocked_by=_turn_of(run.pk, step)
        )
    Join.objects.filter(run=run, step=step).update(remaining=F("remaining") + count, failed=0)
    wakeup.notify(run.queue)
    return count


def _behind(failed: RunQuerySet, parallel: int) -> list[UUID]:
    return list(failed.order_by("child_index").values_list("pk", flat=True)[parallel:])


def count_again(child: Run) -> None:
    """Have its parent wait for a child, too, that a person takes up once more, in the transaction of that."""
    if child.parent_id and child.is_joined:
        Run.objects.filter(pk=child.pk).update(is_joined=False)
        Join.objects.filter(run=child.parent_id, step=child.parent_step).update(
            remaining=F("remaining") + 1, failed=F("failed") - 1
        )
