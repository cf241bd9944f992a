"""Bringing in the sources that come with the house: as often as one likes, over nobody's own work."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenders.actions.sources import ADAPTER, create_source, update_source
from tenders.models import TenderSource
from tenders.reading import digest_of

SHIPPED = Path(__file__).parent.parent / "shipped" / "sources.json"


@dataclass(frozen=True)
class Installed:
    """What became of one source: `installed`, `updated`, `up to date` or `kept`."""

    key: str
    outcome: str
    why: str = ""


def install_sources(*, actor: str) -> list[Installed]:
    """Bring every shipped source in, switched off; one that staff changed is left alone."""
    return [_install(row, actor=actor) for row in shipped_sources()]


def shipped_sources() -> list[dict[str, Any]]:
    """Return the rows that come with the house."""
    rows: list[dict[str, Any]] = json.loads(SHIPPED.read_text())
    return rows


def _install(row: dict[str, Any], *, actor: str) -> Installed:
    found = TenderSource.objects.filter(key=row["key"]).first()
    if found is None:
        made = create_source(actor=actor, **row)
        _mark(made)
        return Installed(row["key"], "installed", "switched off: nothing is asked yet")
    if found.shipped_digest != _digest(found):
        return Installed(row["key"], "kept", "it was changed by staff")
    wanted = TenderSource(cursor_at=found.cursor_at, planned_until=found.planned_until, **row)
    changes = {n: getattr(wanted, n) for n in ADAPTER if getattr(wanted, n) != getattr(found, n)}
    if not changes:
        return Installed(row["key"], "up to date")
    _mark(update_source(found, actor=actor, **changes))
    return Installed(row["key"], "updated", ", ".join(sorted(changes)))


def _mark(source: TenderSource) -> None:
    source.refresh_from_db()
    TenderSource.objects.filter(pk=source.pk).update(shipped_digest=_digest(source))


def _digest(source: TenderSource) -> str:
    return digest_of({name: getattr(source, name) for name in ADAPTER})
