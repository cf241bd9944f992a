"""For which events runs are to be cancelled (`cancel_on`): written with their start, gone with their end."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from jobs import registry
from jobs.events import names
from jobs.events.finding import On
from jobs.models import Run, Wait, WaitKind
from jobs.paths import NOTHING, value_at
from jobs.states import RunStatus
from jobs.triggers import CancelOn


def stand_by(runs: Iterable[Run]) -> None:
    """Have these new runs cancelled by the events that their workflows name, in the transaction of their start."""
    waits = []
    for run in runs:
        for on in cancelled_by(run) if run.status != RunStatus.SKIPPED else ():
            names.note_shape(on.event, on.match)
            wait = Wait(run=run, kind=WaitKind.CANCEL, event_name=on.event, key=on.key)
            waits.append(wait)
    if waits:
        Wait.objects.bulk_create(waits, ignore_conflicts=True)


def forget(run: Run) -> None:
    """Delete what a run that has ended stood by and waited for, if anything."""
    if run.status != RunStatus.COMPLETED or _declared(run):
        Wait.objects.filter(run=run).delete()


def forget_all(ids: Collection[UUID]) -> None:
    """Delete what these runs, which have ended, stood by and waited for."""
    Wait.objects.filter(run__in=ids).delete()


def cancelled_by(run: Run) -> list[On]:
    """Return what cancels this run, with the values of its own input."""
    found = []
    for declared in _declared(run):
        values = {path: value_at(run.input, own) for path, own in declared.match.items()}
        if NOTHING not in values.values():
            found.append(On(declared.event, values))
    return found


def _declared(run: Run) -> tuple[CancelOn, ...]:
    return registry.get(run.workflow).cancel_on if registry.is_known(run.workflow) else ()
