"""Who may import into what: beside the right to import, a target asks for the right to what it writes."""

from __future__ import annotations

from typing import Any

from core.errors import NotAllowed
from imports.targets import Target, all_targets


def offered_targets(user: Any) -> list[Target]:
    """Return what this person may import into."""
    return [target for target in all_targets() if user.has_perm(target.permission)]


def may_fill(user: Any, target: Target) -> None:
    """Raise NotAllowed where this person may not write what the target writes."""
    if not user.has_perm(target.permission):
        raise NotAllowed(
            f"You may not import into {target.title.lower()}.",
            field="target",
            value=target.name,
            remedy=f"Ask an owner for the right {target.permission}.",
        )
