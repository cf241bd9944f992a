"""Starts the runs that events trigger, and says of each workflow that did not start why not."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db import DatabaseError

from core import clock
from core.errors import Refused
from jobs import registry
from jobs.drafting import draft_run
from jobs.models import EffectKind, Event, EventEffect, Run
from jobs.registry import Workflow
from jobs.starting import insert_drafts
from jobs.states import RunStatus
from jobs.triggers import Trigger

#: Of an event that flowed into a run which waited for more (debounce, batch).
GATHERED = "gathered into a run that had not begun"

_Listeners = dict[str, list[tuple[Workflow, list[Trigger]]]]


def start_runs(events: list[Event]) -> list[EventEffect]:
    """Start one run of each workflow that an event triggers; return what came of it, unwritten."""
    listeners = _listeners()
    effects = [
        _consider(event, workflow, triggers)
        for event in events
        for workflow, triggers in listeners.get(event.name, [])
    ]
    starting = [(effect, effect.run) for effect in effects if effect.run]
    started = insert_drafts([draft for _, draft in starting])
    for (effect, draft), run in zip(starting, started, strict=True):
        is_skipped = run.status == RunStatus.SKIPPED
        effect.run, effect.detail = run, run.reason or ("" if run.pk == draft.pk else GATHERED)
        effect.kind = EffectKind.SKIPPED if is_skipped else EffectKind.STARTED
    return effects


def _listeners() -> _Listeners:
    found: _Listeners = defaultdict(list)
    for workflow in registry.everything():
        for name in dict.fromkeys(trigger.event for trigger in workflow.triggers):
            mine = [trigger for trigger in workflow.triggers if trigger.event == name]
            found[name].append((workflow, mine))
    return found


def _consider(event: Event, workflow: Workflow, triggers: list[Trigger]) -> EventEffect:
    """Draft a run by the first trigger of the workflow that the event fits, or say why there is none."""
    effect = EventEffect(event=event, workflow=workflow.name, kind=EffectKind.NOT_MATCHED)
    reasons = []
    try:
        for trigger in triggers:
            reason = trigger.why_not(event)
            if not reason:
                effect.run = _draft(event, workflow, trigger)
                return effect
            reasons.append(reason)
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - an author's condition or input stops no other workflow
        effect.kind, effect.detail = EffectKind.REFUSED, _words(error)
        return effect
    effect.detail = "; ".join(reasons)
    return effect


def _draft(event: Event, workflow: Workflow, trigger: Trigger) -> Run:
    run = draft_run(
        workflow,
        input=_input(event, workflow, trigger),
        actor=event.actor,
        idempotency_key=f"event:{event.pk}",
        due_at=event.occurred_at if event.occurred_at > clock.now() else None,
    )
    run.event = event
    return run


def _input(event: Event, workflow: Workflow, trigger: Trigger) -> dict[str, Any]:
    """Return what the trigger makes of the event, or those members of its data that the workflow takes."""
    if trigger.input is not None:
        return trigger.input(event)
    return workflow.inputs.among(event.data)


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
