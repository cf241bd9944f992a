"""One wish for many runs: each is retried, replayed, paused, resumed, cancelled or dismissed as a person would do it.

A run of the engine's own does it, chunk by chunk, so that ten thousand keep no page waiting; its page tells how far it
is, and in the end how many it could not do to, because they had moved on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import transaction

from core.errors import Refused
from jobs import actions
from jobs.models import Run, RunQuerySet
from jobs.states import ACTIVE, OVER, RunStatus

WORKFLOW = "jobs.act_on_many"
#: So many ids stand in the input of one run; more are several runs.
MOST = 10_000
CHUNK = 20


class Verb(StrEnum):
    """What can be done to many runs at once."""

    RETRY = "retry"
    REPLAY = "replay"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    DISMISS = "dismiss"


_ACTIONS: dict[Verb, Callable[..., Any]] = {
    Verb.RETRY: actions.retry_run,
    Verb.REPLAY: actions.replay_run,
    Verb.PAUSE: actions.pause_run,
    Verb.RESUME: actions.resume_run,
    Verb.CANCEL: actions.cancel_run,
    Verb.DISMISS: actions.dismiss_run,
}


def possible(verb: Verb, among: RunQuerySet) -> RunQuerySet:
    """Return those of some runs to which it can be done at present."""
    if verb is Verb.RETRY:
        return among.filter(status=RunStatus.FAILED)
    if verb is Verb.DISMISS:
        return among.filter(status=RunStatus.FAILED, dismissed_at=None)
    if verb is Verb.REPLAY:
        return among.filter(status__in=OVER)
    if verb is Verb.RESUME:
        return among.filter(status=RunStatus.PAUSED)
    if verb is Verb.PAUSE:
        return among.filter(status__in=ACTIVE - {RunStatus.PAUSED}, pause_requested_at=None)
    return among.filter(status__in=ACTIVE)


@transaction.atomic
def act_on_many(verb: Verb, ids: Collection[UUID], *, actor: str) -> list[Run]:
    """Start what does it to these runs, and return the runs that do: one for each ten thousand."""
    chosen = [str(each) for each in ids]
    parts = [chosen[first : first + MOST] for first in range(0, len(chosen), MOST)]
    inputs = [{"verb": verb, "runs": part} for part in parts]
    return actions.start_runs(WORKFLOW, inputs, actor=actor)


def act_on(verb: Verb, ids: Collection[UUID], *, actor: str) -> dict[str, int]:
    """Do it to a chunk of runs, in the caller's transaction; return to how many, and how many were left as they are."""
    done = sum(_act_on_one(verb, each, actor=actor) for each in ids)
    return {"done": done, "left": len(ids) - done}


def _act_on_one(verb: Verb, run_id: UUID, *, actor: str) -> bool:
    run = Run.objects.filter(pk=run_id).exclude(workflow=WORKFLOW).first()
    if run is None:
        return False
    try:
        with transaction.atomic():
            _ACTIONS[verb](run, actor=actor)
    except Refused:
        return False
    return True
