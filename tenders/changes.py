"""What a new compiled release changes for a reader: a pure comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tenders.fields import Fields, awards_of, documents_of
from tenders.states import EventKind, Phase

#: Columns whose change alone is an amendment.
AMENDING = ("title", "description", "value", "currency", "method", "category", "region", "codes")
SHOWN = 300


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of change, with what stood before and what stands now."""

    kind: EventKind
    before: Any = None
    after: Any = None


def changes_between(
    before: Fields, old: dict[str, Any], after: Fields, new: dict[str, Any]
) -> list[Change]:
    """Return what happened to a tender between two compiled releases, the weightiest first."""
    found: list[Change] = []
    if after.phase == Phase.CANCELLED != before.phase:
        found.append(Change(EventKind.CANCELLED, before.status, after.status))
    if new_awards := _awards(new).items() - _awards(old).items():
        found.append(Change(EventKind.AWARDED, None, sorted(name for _, name in new_awards)[:20]))
    elif after.phase == Phase.AWARDED and before.phase in (Phase.PLANNING, Phase.TENDER):
        found.append(Change(EventKind.AWARDED, before.status, after.status))
    if after.closes_at != before.closes_at:
        found.append(Change(EventKind.DEADLINE, _spelt(before.closes_at), _spelt(after.closes_at)))
    old_documents, new_documents = _documents(old), _documents(new)
    if old_documents != new_documents:
        found.append(Change(EventKind.DOCUMENTS, len(old_documents), len(new_documents)))
    amended = [name for name in AMENDING if getattr(before, name) != getattr(after, name)]
    if amended:
        found.append(Change(EventKind.AMENDED, _some(before, amended), _some(after, amended)))
    return found


def _awards(compiled: dict[str, Any]) -> dict[str, str]:
    return {
        str(award.get("id", place)): _suppliers(award)
        for place, award in enumerate(awards_of(compiled))
    }


def _suppliers(award: dict[str, Any]) -> str:
    suppliers = award.get("suppliers")
    named = suppliers if isinstance(suppliers, list) else []
    names = [str(each.get("name", "")) for each in named if isinstance(each, dict)]
    return ", ".join(filter(None, names))[:SHOWN]


def _documents(compiled: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (str(document.get("id", document.get("url", ""))), str(document.get("dateModified", "")))
        for document in documents_of(compiled)
    }


def _some(fields: Fields, names: list[str]) -> dict[str, Any]:
    return {name: _short(getattr(fields, name)) for name in names}


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:SHOWN]
    return value if isinstance(value, list) else _spelt(value)


def _spelt(value: Any) -> str | None:
    if value is None:
        return None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
