"""The reader: one run that applies kept events, started by whoever keeps one while it rests.

No wake-up is lost, and keeping takes no lock: a keeper commits its event and then looks whether the reader is awake;
a reader that goes to rest says so first, commits, and then looks for events. Whichever of the two comes second sees
the other. While events come in the reader naps between looks, so that a storm of them starts no storm of runs.
"""

from __future__ import annotations

import time
import uuid
from functools import cache
from typing import Any

from django.db import transaction

from core.ids import decode
from jobs.context import RunContext
from jobs.database import hot
from jobs.models import Run
from jobs.starting import start_run
from messaging.models import EventReader, ProviderEvent
from messaging.webhooks import applying

WORKFLOW = "messaging.apply_events"
ONLY = 1  #: the key of the reader's one row
#: The reader gives its worker to others after so long.
TURN_SECONDS = 5.0
#: Between two looks while events come in: what came meanwhile is applied together.
NAP_SECONDS = 1.0
#: Until a lane lets go of the messages that are left.
HELD_SECONDS = 0.2
#: A person's STOP goes ahead of bulk work, by so many seconds in the queue.
HEAD_START = 600


def wake() -> bool:
    """Start the reader where it rests; call it after the event is committed. Returns whether it was started."""
    return not hot(*_awake()) and _start()


def tend() -> bool:
    """Start the reader where its run died, or its keeper died before waking it."""
    return ProviderEvent.objects.unapplied().exists() and wake()


def read(run: RunContext) -> None:
    """Apply what is kept until nothing is left, then rest."""
    run_id = uuid.UUID(int=decode("run", run.id))
    if not _is_held_by(run_id):
        return
    turn_ends = time.monotonic() + TURN_SECONDS
    applied = 0
    while not _rest(run_id):
        outcome = applying.apply_next(run.renew)
        applied += outcome.applied
        if time.monotonic() > turn_ends:
            run.snooze()
        if outcome.found and not outcome.applied:
            run.snooze(HELD_SECONDS)
        if outcome.found < applying.BATCH and applied:
            run.snooze(NAP_SECONDS)


@cache
def _awake() -> tuple[str, tuple[Any, ...]]:
    """Return the question whether the reader is awake as a statement; every webhook asks it."""
    awake = EventReader.objects.filter(pk=ONLY, run__in=Run.objects.active())
    return awake.values_list("pk").query.sql_with_params()


@transaction.atomic
def _start() -> bool:
    EventReader.objects.get_or_create(pk=ONLY)
    reader = EventReader.objects.select_for_update().get(pk=ONLY)
    if reader.run_id and Run.objects.active().filter(pk=reader.run_id).exists():
        return False
    EventReader.objects.filter(pk=ONLY).update(run=start_run(WORKFLOW, priority=HEAD_START))
    return True


def _is_held_by(run_id: uuid.UUID) -> bool:
    """Whether this run is the reader, or becomes it because nobody is."""
    row = EventReader.objects.filter(pk=ONLY)
    return row.filter(run=run_id).exists() or row.filter(run=None).update(run=run_id) > 0


def _rest(run_id: uuid.UUID) -> bool:
    """Put the reader to rest; False where there is work after all and this run goes on with it."""
    if ProviderEvent.objects.unapplied().exists():
        return False
    EventReader.objects.filter(pk=ONLY, run=run_id).update(run=None)
    return not (ProviderEvent.objects.unapplied().exists() and _is_held_by(run_id))
