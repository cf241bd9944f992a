"""What somebody looks for, and the one question that finds it: the oldest event that fits and is new to the run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.dateparse import parse_datetime

from jobs.events import names
from jobs.events.keys import key_of
from jobs.models import EffectKind, Event, EventEffect, EventKey, Run


@dataclass(frozen=True, slots=True)
class Received:
    """An event as a workflow sees it. `extra` is what its sender gave beside the data."""

    name: str
    data: dict[str, Any]
    id: str
    at: datetime
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, event: Event) -> Received:
        return cls(event.name, event.data, event.public_id, event.occurred_at, event.extra)

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Received:
        """Return it from a checkpoint."""
        at = parse_datetime(kept["at"])
        assert at is not None
        return cls(**{**kept, "at": at})

    def kept(self) -> dict[str, Any]:
        """Return it as a checkpoint keeps it."""
        return {
            "name": self.name,
            "data": self.data,
            "id": self.id,
            "at": self.at.isoformat(),
            "extra": self.extra,
        }


@dataclass(frozen=True, slots=True)
class On:
    """Events of a name with these values at these paths of their data, and for which `when` says yes."""

    event: str
    match: Mapping[str, Any] = field(default_factory=dict)
    when: Callable[[Received], bool] | None = None

    @property
    def key(self) -> str:
        return key_of(self.event, self.match)

    def accepts(self, event: Event) -> bool:
        return self.when is None or self.when(Received.of(event))


def since(run: Run) -> UUID:
    """Return after which event a run looks: the one that started it, else its own start. (Ids are ordered by time.)

    A replay has the event of the run that it replays, and waits for what comes after its own start.
    """
    return run.pk if run.replay_of_id else run.event_id or run.pk


def cover(wanted: Iterable[On], *, since: UUID) -> None:
    """See to it that whatever fits can be found. To be called under the locks of the names."""
    for on in wanted:
        names.cover(on.event, on.match, since=since)


def find(run: Run, wanted: Sequence[On], *, until: datetime | None = None) -> Event | None:
    """Return the oldest event that fits, came by `until`, and has not woken this run before."""
    by_key: dict[str, list[On]] = defaultdict(list)
    for on in wanted:
        by_key[on.key].append(on)
    known = EventEffect.objects.filter(event=OuterRef("event"), run=run, kind=EffectKind.WOKE)
    keys = EventKey.objects.filter(~Exists(known), key__in=by_key, event_id__gt=since(run))
    if until is not None:
        keys = keys.filter(event__received_at__lte=until)
    rows = keys.select_related("event").order_by("event_id")
    if all(on.when is None for on in wanted):
        rows = rows[:1]
    fitting = (row.event for row in rows if any(on.accepts(row.event) for on in by_key[row.key]))
    return next(fitting, None)
