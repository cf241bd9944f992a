"""One way to change a status: compare, swap, and say why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import TextChoices

from core.errors import Conflict

Moves = Mapping[Any, frozenset[Any]]


def moved(obj: Any, *, moves: Moves, to: TextChoices, **fields: Any) -> bool:
    """Set `to` and `fields` from any state that leads there; return whether this caller did it. Reads `obj` again."""
    starts = [status for status, targets in moves.items() if to in targets]
    rows = type(obj)._default_manager.filter(pk=obj.pk, status__in=starts)
    count = rows.update(status=to, **fields)
    obj.refresh_from_db()
    return count == 1


def move(obj: Any, *, moves: Moves, to: TextChoices, wish: str, **fields: Any) -> None:
    """Move as `moved` does, or raise Conflict that names the wish (`be paused`) and how the thing stands."""
    if not moved(obj, moves=moves, to=to, **fields):
        raise Conflict(
            f"“{obj}” cannot {wish}: it is {obj.get_status_display().lower()}.",
            field="status",
            value=str(obj.status),
        )
