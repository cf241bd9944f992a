"""API keys, `key_live_<8 characters>_<secret>`: issued (shown once), recognised, revoked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from core import clock
from core.audit import record
from core.errors import Conflict, Refused
from core.models import ApiKey

START = "key_live_"
USE_IS_NOTED_EVERY = timedelta(minutes=1)


def issue_key(
    name: str,
    *,
    scopes: Sequence[str],
    known_scopes: Collection[str],
    actor: str,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its token, which nobody can read again."""
    refuse_nonsense(scopes, known_scopes=known_scopes, expires_at=expires_at)
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name,
            prefix=secrets.token_hex(4),
            secret_hash=digest(secret),
            scopes=sorted(set(scopes)),
            created_by=actor,
            expires_at=expires_at,
        )
        record("key.issued", key, actor=actor, scopes=key.scopes)
    return key, f"{START}{key.prefix}_{secret}"


def refuse_nonsense(
    scopes: Sequence[str], *, known_scopes: Collection[str], expires_at: datetime | None
) -> None:
    unknown = sorted(set(scopes) - set(known_scopes))
    if unknown or not scopes:
        raise Refused(
            f"There is no scope {unknown[0]!r}." if unknown else "A key needs at least one scope.",
            field="scopes",
            value=unknown[0] if unknown else "",
            remedy=f"Choose from: {', '.join(sorted(known_scopes))}.",
        )
    if expires_at is not None and expires_at <= clock.now():
        raise Refused(
            f"The key would already have expired at {expires_at.isoformat()}.",
            field="expires_at",
            value=expires_at.isoformat(),
            remedy="Name a moment in the future.",
        )


def revoke_key(key: ApiKey, *, actor: str) -> None:
    """End a key at once; a second time is a Conflict."""
    with transaction.atomic():
        revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=clock.now())
        if not revoked:
            raise Conflict(f"The key {key.prefix} is already revoked.", value=key.prefix)
        record("key.revoked", key, actor=actor)


def recognise(token: str) -> ApiKey | None:
    """Return the usable key behind a token, or None. Compares in constant time."""
    prefix, _, secret = token.removeprefix(START).partition("_")
    if not token.startswith(START) or not prefix.isascii():
        return None
    key = ApiKey.objects.usable().filter(prefix=prefix).first()
    if key is None or not hmac.compare_digest(key.secret_hash, digest(secret)):
        return None
    note_use(key)
    return key


def note_use(key: ApiKey) -> None:
    """Remember when a key was last used, to the minute, so that reading does not mean writing."""
    now = clock.now()
    stale = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_IS_NOTED_EVERY)
    if key.last_used_at is None or key.last_used_at <= now - USE_IS_NOTED_EVERY:
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)


def digest(secret: str) -> str:
    """Return the SHA-256 of a secret; it has 256 random bits, so a slow hash would add nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()
