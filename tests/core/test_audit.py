"""Changes leave entries that name who, what and which."""

from __future__ import annotations

import getpass

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory

from core.audit import actor_of, command_actor, record
from core.keys import issue_key
from core.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_an_entry_names_actor_verb_object_and_detail(charlie: User) -> None:
    entry = record("user.praised", charlie, actor="staff:alice", times=3)

    stored = AuditEntry.objects.get(pk=entry.pk)
    assert (stored.actor, stored.verb) == ("staff:alice", "user.praised")
    assert (stored.object_type, stored.object_id) == ("auth.user", str(charlie.pk))
    assert stored.detail == {"times": 3}


def test_entries_about_one_thing_come_newest_first_and_alone(charlie: User, bob: User) -> None:
    record("first", charlie, actor="system")
    record("second", charlie, actor="system")
    record("other", bob, actor="system")

    assert [entry.verb for entry in AuditEntry.objects.about(charlie)] == ["second", "first"]


def test_an_object_with_a_public_id_is_named_by_it() -> None:
    key, _ = issue_key("robot", scopes=["a:b"], known_scopes=["a:b"], actor="system")

    assert record("key.seen", key, actor="system").object_id == f"key_{key.prefix}"


def test_the_actor_of_a_request_is_its_key_or_its_staff_member(bob: User) -> None:
    key, _ = issue_key("robot", scopes=["a:b"], known_scopes=["a:b"], actor="system")
    request = RequestFactory().get("/")
    request.user = bob
    assert actor_of(request) == "staff:bob"

    request.auth = key  # type: ignore[attr-defined]
    assert actor_of(request) == f"key:{key.prefix}"


def test_a_request_of_nobody_has_an_anonymous_actor() -> None:
    request = RequestFactory().get("/")
    request.user = AnonymousUser()

    assert actor_of(request) == "anonymous"


def test_a_command_acts_as_the_system_user() -> None:
    assert command_actor() == f"command:{getpass.getuser()}"
