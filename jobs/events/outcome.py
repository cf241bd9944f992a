"""What came of an event, in words: what it did, or why it did nothing."""

from __future__ import annotations

from collections import Counter

from jobs.models import EffectKind, Event, Wait

DID = {EffectKind.STARTED: "started", EffectKind.WOKE: "woke", EffectKind.CANCELLED: "cancelled"}


def outcome(event: Event) -> str:
    """Return one or two sentences."""
    if event.error:
        return f"It could not take effect: {event.error}"
    if event.dispatched_at is None:
        return "It has not taken effect yet."
    effects = list(event.effects.all())
    done = Counter(effect.kind for effect in effects if effect.kind in DID)
    if done:
        counted = [_counted(DID[EffectKind(kind)], count) for kind, count in done.items()]
        return f"It {', '.join(counted)}."
    if effects:
        return "It did nothing. Each workflow that listens to such events says below why."
    return f"It did nothing: no workflow listens to {event.name}, and {_waiting(event)}."


def _counted(verb: str, count: int) -> str:
    return f"{verb} {count:,} run{'' if count == 1 else 's'}"


def _waiting(event: Event) -> str:
    runs = Wait.objects.filter(event_name=event.name).values("run").distinct().count()
    if not runs:
        return "no run waits for it"
    return f"{runs:,} {'run waits' if runs == 1 else 'runs wait'} for one with other values"
