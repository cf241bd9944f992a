"""Starting a run is inserting a row: nothing can be lost between a database and a queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction

from core import clock
from core.errors import Refused
from jobs import gathering, limits, registry, rows_of_runs
from jobs.drafting import draft_run
from jobs.events import standing
from jobs.flow import Concurrency, Overlap, Throttle, key_for
from jobs.models import Run
from jobs.registry import Workflow
from jobs.states import ACTIVE, RunStatus

#: What a run forgets when it is taken up once more.
FRESH: dict[str, Any] = {
    "error": None,
    "failure": "",
    "finished_at": None,
    "crashes": 0,
    "attempts": 0,
    "cancel_requested_at": None,
    "cancel_requested_by": "",
    "pause_requested_at": None,
    "dismissed_at": None,
    "dismissed_by": "",
}
CHUNK = 500


def start_run(
    workflow: str,
    *,
    input: Mapping[str, Any] | None = None,
    actor: str = "system",
    idempotency_key: str = "",
    due_at: datetime | None = None,
    expires_at: datetime | None = None,
    priority: int = 0,
    queue: str = "",
) -> Run:
    """Insert a run in the caller's transaction; it is served once that commits, and not before `due_at`.

    One that has not begun by `expires_at` is skipped when its turn comes.

    A second start of the same workflow with the same `idempotency_key` returns the first run. `priority` moves the run
    forward in the queue by so many seconds. A start that a rate limit or a singleton does not allow is a run, too: it
    is skipped, and its `reason` says why; one of a debounced workflow flows into the run that waits already, which is
    returned. Raises NotFound for an unknown workflow, Refused for input that does not fit.
    """
    known = registry.get(workflow)
    if idempotency_key and (earlier := _started(workflow, idempotency_key)):
        return earlier
    run = draft_run(
        known,
        input=input or {},
        actor=actor,
        due_at=due_at,
        priority=priority,
        queue=queue,
        idempotency_key=idempotency_key,
    )
    run.expires_at = expires_at or run.expires_at
    return _start_alone(run, known)


def start_runs(
    workflow: str,
    inputs: Sequence[Mapping[str, Any]],
    *,
    actor: str = "system",
    idempotency_keys: Sequence[str] = (),
    due_at: datetime | None = None,
    priority: int = 0,
    queue: str = "",
    throttle: Throttle | None = None,
    concurrency: Sequence[Concurrency] = (),
) -> list[Run]:
    """Insert many runs of one workflow in the caller's transaction, as `start_run` would one by one, and return them.

    `idempotency_keys` has one for each input, or is empty. A refusal names the place of its input, counted from zero,
    and then nothing was inserted. `throttle` and `concurrency` hold instead of what is declared.
    """
    known = registry.get(workflow)
    if throttle or concurrency:
        known = replace(
            known,
            throttle=throttle or known.throttle,
            concurrency=tuple(concurrency) or known.concurrency,
        )
    keys = idempotency_keys or [""] * len(inputs)
    shared: dict[str, Any] = {
        "actor": actor,
        "due_at": due_at,
        "priority": priority,
        "queue": queue,
    }
    drafts = [
        _numbered(known, place, input=input, idempotency_key=key, **shared)
        for place, (input, key) in enumerate(zip(inputs, keys, strict=True))
    ]
    return insert_drafts(drafts)


def _numbered(workflow: Workflow, place: int, **given: Any) -> Run:
    try:
        return draft_run(workflow, **given)
    except Refused as refusal:
        refusal.message = f"Input {place + 1}: {refusal.message}"
        refusal.field = f"inputs.{place}.{refusal.field.removeprefix('input.')}"
        raise


def insert_drafts(drafts: Sequence[Run]) -> list[Run]:
    """Insert drafts of whatever workflows, many in one statement; return for each the run that stands for it.

    Only those go one by one that must be asked about on their own: singletons, and what a rate limit may skip.
    """
    together = [run for run in drafts if not _is_asked_alone(run)]
    inserted: set[Any] = set()
    for first in range(0, len(together), CHUNK):
        stored = rows_of_runs.insert_many(together[first : first + CHUNK])
        standing.stand_by(stored)
        inserted.update(run.pk for run in stored)
    return [run if run.pk in inserted else _stands_for(run) for run in drafts]


def _is_asked_alone(run: Run) -> bool:
    known = registry.get(run.workflow)
    alone = (known.rate_limit, known.singleton, known.debounce, known.batch)
    return any(each is not None for each in alone)


def _stands_for(draft: Run) -> Run:
    """Return the run that was started with this draft's key before, or start it alone."""
    if draft.idempotency_key and (earlier := _started(draft.workflow, draft.idempotency_key)):
        return earlier
    return _start_alone(draft, registry.get(draft.workflow))


def _start_alone(run: Run, workflow: Workflow) -> Run:
    if not gathering.gathers(run, workflow):
        return start_for_itself(run, workflow)
    with transaction.atomic():
        place = gathering.meet(run, workflow)
        if earlier := gathering.flow_into(place, run, workflow):
            return earlier
        started = start_for_itself(run, workflow)
        gathering.open_up(place, started)
    return started


def start_for_itself(run: Run, workflow: Workflow) -> Run:
    """Insert a run that flows into no other; it is skipped where a rate limit or a singleton does not allow it."""
    _ask_the_rate_limit(run, workflow)
    if run.status != RunStatus.SKIPPED:
        be_single(run, workflow)
    return _insert(run)


def _ask_the_rate_limit(run: Run, workflow: Workflow) -> None:
    limit = workflow.rate_limit
    if limit is None:
        return
    key = f"rate:{key_for(run.workflow, limit.key, run.input)}"
    pace = limit.limit / limit.seconds
    if limits.take(key, amount=1, per_second=pace, burst=limit.limit):
        _skip(run, f"rate limit: {limit}")


def be_single(run: Run, workflow: Workflow) -> None:
    """Give a singleton its key; where another holds it, make way or be skipped."""
    if workflow.singleton is None:
        return
    key = key_for(workflow.name, workflow.singleton.key, run.input)
    older = Run.objects.filter(workflow=run.workflow, singleton_key=key, status__in=ACTIVE).first()
    if older and workflow.singleton.overlap is Overlap.SKIP:
        _skip(run, f"singleton: {older.public_id} is not over")
        return
    if older:
        from jobs.endings import request_cancel  # endings start runs, too

        request_cancel(older, by=f"singleton:{run.public_id}")
    run.singleton_key = key


def _skip(run: Run, reason: str) -> None:
    run.status, run.reason, run.finished_at = RunStatus.SKIPPED, reason, clock.now()


def _insert(run: Run) -> Run:
    """Insert a run; where an equal start came first, return that."""
    if not rows_of_runs.insert(run):
        return _second(run)
    standing.stand_by([run])
    return run


def _second(run: Run) -> Run:
    """Return what stands in the place of a run that another start, at the same moment, kept from being inserted."""
    if run.idempotency_key and (earlier := _started(run.workflow, run.idempotency_key)):
        return earlier
    run.singleton_key = ""
    _skip(run, "singleton: another was started at the same moment")
    return _insert(run)


def _started(workflow: str, idempotency_key: str) -> Run | None:
    return Run.objects.filter(workflow=workflow, idempotency_key=idempotency_key).first()
