"""API keys: shown once, recognised, throttled in what they write, and ended."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from core.errors import Conflict, Refused
from core.keys import issue_key, recognise, revoke_key
from core.models import ApiKey, AuditEntry

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCOPES = ["campaigns:read", "campaigns:send"]


def new_key(**options: object) -> tuple[ApiKey, str]:
    return issue_key("robot", scopes=SCOPES, known_scopes=SCOPES, actor="system", **options)  # type: ignore[arg-type]


def test_the_token_has_the_prefix_and_only_its_hash_is_kept() -> None:
    key, token = new_key()

    start, prefix, secret = token[:9], token[9:17], token[18:]
    assert (start, prefix) == ("key_live_", key.prefix)
    assert len(secret) == 43
    assert key.secret_hash == hashlib.sha256(secret.encode()).hexdigest()


def test_a_token_is_recognised_and_carries_its_scopes() -> None:
    key, token = new_key()

    found = recognise(token)

    assert found == key
    assert found is not None
    assert found.scopes == SCOPES


def test_issuing_leaves_an_entry_without_the_secret() -> None:
    key, _ = new_key()

    entry = AuditEntry.objects.about(key).get()
    assert (entry.verb, entry.actor, entry.detail) == ("key.issued", "system", {"scopes": SCOPES})


@pytest.mark.parametrize(
    "broken", ["", "key_live_", "key_live_00000000_x", "Bearer", "key_live_é_x"]
)
def test_another_token_is_not_recognised(broken: str) -> None:
    new_key()

    assert recognise(broken) is None


def test_a_wrong_secret_under_a_right_prefix_is_not_recognised() -> None:
    _, token = new_key()

    assert recognise(token[:-1] + ("x" if token[-1] != "x" else "y")) is None


def test_a_revoked_key_is_not_recognised_and_cannot_be_revoked_again() -> None:
    key, token = new_key()

    revoke_key(key, actor="staff:alice")

    assert recognise(token) is None
    with pytest.raises(Conflict):
        revoke_key(key, actor="staff:alice")
    verbs = [entry.verb for entry in AuditEntry.objects.about(key)]
    assert verbs == ["key.revoked", "key.issued"]


def test_a_key_ends_at_its_expiry() -> None:
    with clock.travel(to=NOON):
        _, token = new_key(expires_at=NOON + timedelta(days=1))
        assert recognise(token) is not None
    with clock.travel(to=NOON + timedelta(days=1)):
        assert recognise(token) is None


def test_use_is_noted_at_most_once_a_minute() -> None:
    key, token = new_key()
    for seconds, noted in [(0, 0), (59, 0), (60, 60)]:
        with clock.travel(to=NOON + timedelta(seconds=seconds)):
            recognise(token)
        key.refresh_from_db()
        assert key.last_used_at == NOON + timedelta(seconds=noted)


def test_an_unknown_scope_is_refused_with_those_that_exist() -> None:
    with pytest.raises(Refused) as refusal:
        issue_key("robot", scopes=["campaigns:sned"], known_scopes=SCOPES, actor="system")

    assert refusal.value.message == "There is no scope 'campaigns:sned'."
    assert refusal.value.remedy == "Choose from: campaigns:read, campaigns:send."
    assert not ApiKey.objects.exists()


def test_a_key_without_scopes_is_refused() -> None:
    with pytest.raises(Refused, match="at least one scope"):
        issue_key("robot", scopes=[], known_scopes=SCOPES, actor="system")

    assert not ApiKey.objects.exists()


def test_an_expiry_in_the_past_is_refused() -> None:
    with clock.travel(to=NOON), pytest.raises(Refused) as refusal:
        new_key(expires_at=NOON)

    assert refusal.value.field == "expires_at"
    assert not ApiKey.objects.exists()
