"""Who may call: keys by scope, staff by permission, nobody else; and a view that says nothing stays shut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from rest_framework.test import APIClient

from core.api.permissions import known_scopes
from core.keys import revoke_key
from core.models import ApiKey, AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.example_api")]
Caller = Callable[..., APIClient]


def notes() -> int:
    return AuditEntry.objects.filter(verb="note").count()


def write(client: Any) -> Any:
    return client.post("/api/notes", {"text": "hello"}, content_type="application/json")


def test_nobody_gets_401_and_is_told_how(api: Caller) -> None:
    response = api().post("/api/notes", {"text": "hello"})

    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == 'Bearer realm="longhaul"'
    assert notes() == 0


def test_a_key_with_the_scope_acts_in_its_own_name(api: Caller) -> None:
    assert api("notes:write").post("/api/notes", {"text": "hello"}).status_code == 202

    assert AuditEntry.objects.get(verb="note").actor == f"key:{ApiKey.objects.get().prefix}"


def test_a_key_without_the_scope_is_told_which(api: Caller) -> None:
    response = api("notes:read").post("/api/notes", {"text": "hello"})

    assert (response.status_code, response.json()["code"]) == (403, "missing_scope")
    assert response.json()["detail"] == "This key lacks the scope notes:write."
    assert notes() == 0


def test_reading_with_head_needs_what_get_needs(api: Caller) -> None:
    assert api("notes:read").head("/api/notes").status_code == 200
    assert api("notes:write").head("/api/notes").status_code == 403


def test_a_revoked_key_gets_401(api: Caller) -> None:
    client = api("notes:write")
    revoke_key(ApiKey.objects.get(), actor="system")

    response = client.post("/api/notes", {"text": "hello"})

    assert (response.status_code, response.json()["code"]) == (401, "authentication_failed")
    assert notes() == 0


def test_staff_act_by_permission(
    client_of: Callable[..., Client], oscar: User, bob: User, charlie: User
) -> None:
    assert write(client_of(oscar)).status_code == 202
    assert write(client_of(bob)).status_code == 403
    assert write(client_of(charlie)).status_code == 403

    assert [entry.actor for entry in AuditEntry.objects.filter(verb="note")] == ["staff:oscar"]


def test_a_session_needs_the_csrf_token(client_of: Callable[..., Client], oscar: User) -> None:
    response = write(client_of(oscar, enforce_csrf_checks=True))

    assert (response.status_code, response["Content-Type"]) == (403, "application/problem+json")
    assert notes() == 0


def test_permission_alone_is_not_enough_without_being_staff(
    client_of: Callable[..., Client], oscar: User
) -> None:
    User.objects.filter(pk=oscar.pk).update(is_staff=False)

    assert write(client_of(oscar)).status_code == 403
    assert notes() == 0


def test_a_view_that_declares_no_scope_answers_nobody(api: Caller) -> None:
    with pytest.raises(
        ImproperlyConfigured, match="Undeclared.required_scopes says nothing of GET"
    ):
        api("notes:read").get("/api/undeclared")


def test_known_scopes_are_those_that_endpoints_ask_for() -> None:
    assert known_scopes() == {"notes:read", "notes:write"}
