"""manage.py api_key: create, list, revoke."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.keys import recognise
from core.models import ApiKey

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("api_key", *arguments, stdout=out)
    return out.getvalue().strip()


def test_create_prints_a_token_that_works() -> None:
    token = run("create", "robot", "--scope", "campaigns:read")

    key = recognise(token)
    assert key is not None
    assert (key.name, key.scopes, key.expires_at) == ("robot", ["campaigns:read"], None)


def test_list_shows_keys_and_never_a_secret() -> None:
    token = run("create", "robot", "--scope", "campaigns:read", "--days", "7")

    key = ApiKey.objects.get()
    assert run("list") == f"{key.prefix}  usable    robot  campaigns:read"
    assert token not in run("list")


def test_revoke_ends_a_key() -> None:
    token = run("create", "robot", "--scope", "campaigns:read")
    prefix = ApiKey.objects.get().prefix

    assert run("revoke", prefix) == f"{prefix} is revoked"
    assert recognise(token) is None
    assert "revoked" in run("list")


def test_an_unknown_scope_is_refused() -> None:
    with pytest.raises(CommandError, match="There is no scope 'campaigns:fly'"):
        run("create", "robot", "--scope", "campaigns:fly")

    assert not ApiKey.objects.exists()


def test_revoking_an_unknown_key_names_it() -> None:
    with pytest.raises(CommandError, match="There is no key 'nobody'"):
        run("revoke", "nobody")
