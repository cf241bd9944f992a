"""What a row does to what stands: a pure decision."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from imports.states import Effect, Mode, RowStatus
from imports.targets import Change, Issue, Record, Standing, Values

SORTED = json.JSONEncoder(sort_keys=True, default=str)


@dataclass(slots=True)
class Outcome:
    """What became of a row, as it is recorded."""

    record: Record
    status: RowStatus
    effect: Effect = Effect.NONE
    error: Issue | None = None
    object_id: str = ""
    before: Values | None = None
    after: str = ""
    added: list[str] = field(default_factory=list)


def decide(
    record: Record, standing: Standing | None, mode: str, *, key_label: str
) -> Change | Outcome:
    """Return what a row changes, or why it changes nothing."""
    if standing is None and mode == Mode.UPDATE:
        message = f"There is none with this {key_label} to update."
        return rejected(record, Issue("not_found", key_label, record.key, message))
    if standing is not None and mode == Mode.CREATE:
        message = f"There is one with this {key_label} already."
        return rejected(record, Issue("exists", key_label, record.key, message))
    if standing is not None and mode == Mode.SKIP:
        message = f"There is one with this {key_label} already; it was left alone."
        return skipped(record, Issue("exists", key_label, record.key, message))
    values = difference(record.values, standing)
    if standing is None:
        return Change(record, None, values)
    return Change(record, standing, values, standing.id, standing.pk)


def difference(values: Values, standing: Standing | None) -> Values:
    """Return the values that are news: everything for a new thing."""
    if standing is None:
        return {name: value for name, value in values.items() if value is not None}
    stands = standing.values
    return {name: value for name, value in values.items() if not _same(value, stands.get(name))}


def done(change: Change) -> Outcome:
    """Return what became of a row whose change is written."""
    effect = change.effect
    outcome = Outcome(
        change.record,
        RowStatus.SUCCEEDED if effect else RowStatus.UNCHANGED,
        effect,
        object_id=change.id,
        added=change.added,
    )
    if effect:
        stands = change.standing.values if change.standing else {}
        outcome.after = fingerprint({**stands, **change.values})
    if effect == Effect.UPDATED:
        outcome.before = {name: stands.get(name) for name in change.values}
    return outcome


def rejected(record: Record, issue: Issue) -> Outcome:
    return Outcome(record, RowStatus.FAILED, error=issue)


def skipped(record: Record, issue: Issue) -> Outcome:
    return Outcome(record, RowStatus.SKIPPED, error=issue)


def fingerprint(values: Values) -> str:
    """Return what a thing looks like, to see later whether somebody has edited it. Blank fields count as absent."""
    filled = {name: value for name, value in values.items() if not _is_blank(value)}
    text = SORTED.encode(filled)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _same(new: Any, old: Any) -> bool:
    return new == old or (_is_blank(new) and _is_blank(old))


def _is_blank(value: Any) -> bool:
    return value is None or value == ""
