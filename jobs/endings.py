"""How runs end, and what follows from it in the same transaction.

Its parent counts it, its slots go to those they block, its children end with it, and the workflow that its author
wants to hear of it is started. A run ends once: whoever comes second changes nothing.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef

from core import clock
from core.api.parsing import legible
from core.errors import Refused
from jobs import children, registry, slots
from jobs.database import is_postgres
from jobs.events import standing
from jobs.models import Run, RunQuerySet
from jobs.starting import CHUNK, start_run
from jobs.states import OVER, RunStatus

FAILURE_LENGTH = 200

log = logging.getLogger(__name__)


def describe(error: BaseException, *, step: str = "") -> dict[str, str]:
    """Return an error as it is kept on runs and steps, whatever a provider put into its text."""
    return {
        "type": type(error).__name__,
        "message": legible(str(error)),
        "traceback": legible("".join(traceback.format_exception(error))),
        "step": step,
    }


def end_run(run: Run, status: RunStatus, *, among: RunQuerySet, **changes: Any) -> bool:
    """End one run that still is in a queryset, with all that follows; False where it is not, and nothing changed.

    `among` says what must still be true of it: its epoch, its status.
    """
    with transaction.atomic():
        if run.slots or status != RunStatus.COMPLETED:
            slots.lock()  # before any row: its children may give slots back, too
        if status != RunStatus.COMPLETED:
            _lock_descendants(run.pk)
        ended = among.filter(pk=run.pk).update(
            status=status,
            finished_at=clock.now(),
            worker_id=None,
            lease_until=None,
            is_joined=run.parent_id is not None,
            **changes,
        )
        if ended:
            run.status = status
            _follow(run)
    return bool(ended)


def fail_run(run: Run, *, among: RunQuerySet, error: dict[str, Any]) -> bool:
    """Fail one run that still is in a queryset; its author hears of it once."""
    where = f"{error['step']}: " if error.get("step") else ""
    failure = f"{run.workflow}: {where}{error['type']}"[:FAILURE_LENGTH]
    with transaction.atomic():
        failed = end_run(run, RunStatus.FAILED, among=among, error=error, failure=failure)
        if failed:
            told = {key: error.get(key, "") for key in ("type", "message", "step")}
            _tell_author(run, "on_failure", error=told)
    return failed


def cancel_run(run: Run, *, among: RunQuerySet) -> bool:
    """Cancel one run that still is in a queryset; its author hears of it once."""
    with transaction.atomic():
        cancelled = end_run(run, RunStatus.CANCELLED, among=among)
        if cancelled:
            _tell_author(run, "on_cancel")
    return cancelled


def request_cancel(run: Run, *, by: str) -> bool:
    """Cancel a run and its children: at once where no worker drives it, else at its next checkpoint.

    False where it is over already.
    """
    asked = {"cancel_requested_at": clock.now(), "cancel_requested_by": by}
    with transaction.atomic():
        slots.lock()
        _lock_descendants(run.pk)
        alive = Run.objects.filter(pk=run.pk).exclude(status__in=OVER)
        if not alive.update(**asked, singleton_key=""):
            return False
        if not cancel_run(run, among=alive.exclude(status=RunStatus.RUNNING)):
            cancel_children(run.pk, by=by)
    return True


def _follow(run: Run) -> None:
    """Do what follows from the end of a run."""
    if run.parent_id and not run.is_joined:
        children.count_down(run)
    if run.status in (RunStatus.FAILED, RunStatus.CANCELLED):
        cancel_children(run.pk, by=f"run:{run.public_id}")
    standing.forget(run)
    for slot in run.slots:
        slots.free(slot)


def request_cancels(ids: Collection[UUID], *, by: str) -> set[UUID]:
    """Cancel many runs as `request_cancel` does one; return those that were not over already.

    In few statements where nothing hangs on a run's end: it is at rest and no child, no author listens to it, and none
    of its children is under way.
    """
    with transaction.atomic():
        slots.lock()
        changed: set[UUID] = set()
        for some in _chunks(list(ids)):
            wanted = Run.objects.active().filter(pk__in=some)
            changed.update(_cancel_at_once(wanted.filter(parent=None), by=by))
            changed.update(run.pk for run in wanted if request_cancel(run, by=by))
        return changed


def cancel_children(run_id: UUID, *, by: str, step: str | None = None) -> None:
    """Cancel what a run started, or one of its steps: many at once, those on whose end something hangs one by one."""
    alive = Run.objects.active().filter(parent=run_id)
    if step is not None:
        alive = alive.filter(parent_step=step)
    with transaction.atomic():
        slots.lock()
        _lock_descendants(run_id)
        counts = Counter(_cancel_at_once(alive, by=by, is_joined=True).values())
        for parent_step, count in counts.items():
            children.count_many(run_id, parent_step, count)
        for child in alive:
            request_cancel(child, by=by)


def _lock_descendants(run_id: UUID) -> None:
    """Lock what a run has under way below it, the lowest first: a child that ends locks itself, then wakes its parent.

    Whoever held the parent and came for the child would meet it halfway.
    """
    generations: list[list[UUID]] = []
    parents = [run_id]
    while is_postgres() and parents:
        below = Run.objects.active().filter(parent__in=parents)
        parents = list(below.order_by("pk").values_list("pk", flat=True))
        generations.append(parents)
    for ids in reversed(generations):
        locked = Run.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
        list(locked.values_list("pk", flat=True))


def _cancel_at_once(among: RunQuerySet, *, by: str, **changes: Any) -> dict[UUID, str]:
    """Cancel those on whose end nothing hangs, under the lock of slots; return which, each with its parent's step."""
    heard = [each.name for each in registry.everything() if each.on_cancel]
    has_children = Exists(Run.objects.active().filter(parent=OuterRef("pk")))
    alone = among.at_rest().exclude(workflow__in=heard).exclude(has_children)
    locked = alone.order_by("pk").select_for_update(of=("self",), no_key=True)
    ended = dict(locked.values_list("pk", "parent_step"))
    now = clock.now()
    for ids in _chunks(list(ended)):
        Run.objects.filter(pk__in=ids).update(
            status=RunStatus.CANCELLED,
            finished_at=now,
            cancel_requested_at=now,
            cancel_requested_by=by,
            singleton_key="",
            **changes,
        )
        standing.forget_all(ids)
    return ended


def _chunks(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[first : first + CHUNK] for first in range(0, len(ids), CHUNK))


def _tell_author(run: Run, wish: str, **more: Any) -> None:
    if not registry.is_known(run.workflow):
        return
    listener: str = getattr(registry.get(run.workflow), wish)
    if not listener:
        return
    try:
        start_run(
            listener,
            input={"run": run.public_id, "input": run.input, **more},
            actor=run.actor,
            idempotency_key=f"{wish.removeprefix('on_')}:{run.pk}:{run.epoch}",
        )
    except Refused as refusal:  # a listener that cannot listen must not keep a run from ending
        log.error("run %s: %s %s was not told: %s", run.public_id, wish, listener, refusal.message)  # noqa: TRY400
