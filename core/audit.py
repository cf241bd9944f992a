"""Who did what to which thing, and when: one entry per change, written by the action that makes it.

An actor is a short string: `staff:alice`, `key:3f9a01c2`, `command:root`, `system`. Entries name
things by their public id and hold no personal data; they stay after the thing itself is gone.
"""

from __future__ import annotations

import getpass
from typing import Any

from django.db import models
from django.http import HttpRequest

from core.ids import name_of
from core.models import ApiKey, AuditEntry

SYSTEM = "system"


def record(verb: str, obj: models.Model, /, *, actor: str, **detail: Any) -> AuditEntry:
    """Write one entry in the caller's transaction; `detail` must be JSON, and no personal data."""
    return AuditEntry.objects.create(
        verb=verb,
        actor=actor,
        object_type=obj._meta.label_lower,
        object_id=name_of(obj),
        detail=detail,
    )


def actor_of(request: HttpRequest) -> str:
    """Return the actor behind a request: the API key it carries, or the staff member logged in."""
    key = getattr(request, "auth", None)
    if isinstance(key, ApiKey):
        return f"key:{key.prefix}"
    return f"staff:{request.user.get_username()}" if request.user.is_authenticated else "anonymous"


def command_actor() -> str:
    """Return the actor behind a management command: the system user who runs it."""
    return f"command:{getpass.getuser()}"
