"""Keys end in the admin, engine rows cannot be edited, and the theme has one door."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.test import Client

from core.audit import record
from core.keys import issue_key, recognise
from core.models import ApiKey, AuditEntry

ClientOf = Callable[..., Client]


@pytest.fixture
def key(db: None) -> tuple[ApiKey, str]:
    return issue_key("robot", scopes=["a:b"], known_scopes=["a:b"], actor="system")


def test_a_key_is_revoked_by_its_button(
    client_of: ClientOf, alice: User, key: tuple[ApiKey, str]
) -> None:
    client_of(alice).post(f"/admin/core/apikey/{key[0].pk}/revoke/")

    assert recognise(key[1]) is None
    assert AuditEntry.objects.about(key[0])[0].actor == "staff:alice"


def test_who_may_only_look_at_keys_cannot_revoke_them(
    client_of: ClientOf, bob: User, key: tuple[ApiKey, str]
) -> None:
    bob.user_permissions.add(Permission.objects.get(codename="view_apikey"))

    assert client_of(bob).post(f"/admin/core/apikey/{key[0].pk}/revoke/").status_code == 403
    assert recognise(key[1]) == key[0]


def test_a_keys_page_shows_its_timeline_and_never_its_hash(
    client_of: ClientOf, alice: User, key: tuple[ApiKey, str]
) -> None:
    html = client_of(alice).get(f"/admin/core/apikey/{key[0].pk}/change/").content.decode()

    assert "<strong>key.issued</strong> by system" in html
    assert key[0].secret_hash not in html


def test_nobody_writes_entries_or_keys_by_hand(
    client_of: ClientOf, alice: User, key: tuple[ApiKey, str]
) -> None:
    client = client_of(alice)
    entry = record("seen", key[0], actor="system")

    assert client.get("/admin/core/auditentry/add/").status_code == 403
    assert client.post(f"/admin/core/auditentry/{entry.pk}/delete/").status_code == 403
    assert (
        client.post(f"/admin/core/auditentry/{entry.pk}/change/", {"verb": "x"}).status_code == 403
    )
    assert AuditEntry.objects.get(pk=entry.pk).verb == "seen"


def test_only_the_seam_imports_the_theme() -> None:
    importing = re.compile(r"^\s*(from|import) unfold", re.MULTILINE)
    apps = ("campaigns", "config", "core", "imports", "jobs", "messaging")
    files = [path for app in apps for path in Path(settings.BASE_DIR, app).rglob("*.py")]

    doors = {
        str(p.relative_to(settings.BASE_DIR)) for p in files if importing.search(p.read_text())
    }

    assert doors == {"core/admin.py"}
