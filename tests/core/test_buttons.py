"""Buttons ask on GET, act on POST alone, check CSRF and permission, and say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.test import Client

from core.audit import record
from core.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.example_admin")]
ClientOf = Callable[..., Client]


@pytest.fixture
def entry(charlie: User) -> AuditEntry:
    return record("going", charlie, actor="dora")


@pytest.fixture
def viewer(bob: User) -> User:
    bob.user_permissions.add(Permission.objects.get(codename="view_auditentry"))
    return bob


def page(entry: AuditEntry, suffix: str = "change") -> str:
    return f"/admin/core/auditentry/{entry.pk}/{suffix}/"


def verb(entry: AuditEntry) -> str:
    return AuditEntry.objects.get(pk=entry.pk).verb


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


@pytest.mark.parametrize("method", ["get", "head"])
def test_asking_changes_nothing(
    client_of: ClientOf, alice: User, entry: AuditEntry, method: str
) -> None:
    response = getattr(client_of(alice), method)(page(entry, "tell"))

    assert response.status_code == 200
    assert verb(entry) == "going"


def test_the_question_is_made_for_the_object(
    client_of: ClientOf, alice: User, entry: AuditEntry
) -> None:
    response = client_of(alice).get(page(entry, "tell"))

    assert "Tell dora? About 0 minutes." in response.content.decode()
    assert 'name="csrfmiddlewaretoken"' in response.content.decode()


def test_a_post_without_the_token_is_refused(
    client_of: ClientOf, alice: User, entry: AuditEntry
) -> None:
    client = client_of(alice, enforce_csrf_checks=True)

    assert client.post(page(entry, "tell")).status_code == 403
    assert verb(entry) == "going"


def test_a_post_with_the_token_acts_and_goes_back(
    client_of: ClientOf, alice: User, entry: AuditEntry
) -> None:
    client = client_of(alice, enforce_csrf_checks=True)
    client.get(page(entry, "tell"))
    token = client.cookies["csrftoken"].value

    response = client.post(page(entry, "tell"), {"csrfmiddlewaretoken": token})

    assert (response.status_code, response["Location"]) == (302, page(entry))
    assert verb(entry) == "told"
    assert said(response) == ["dora was told."]


def test_a_post_of_the_page_itself_is_sent_back_by_header(
    client_of: ClientOf, alice: User, entry: AuditEntry
) -> None:
    response = client_of(alice).post(page(entry, "tell"), headers={"HX-Request": "true"})

    assert (response.status_code, response["HX-Redirect"]) == (200, page(entry))


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_other_methods_are_not_offered(
    client_of: ClientOf, alice: User, entry: AuditEntry, method: str
) -> None:
    assert getattr(client_of(alice), method)(page(entry, "tell")).status_code == 405
    assert verb(entry) == "going"


def test_a_viewer_sees_no_button_and_gets_403(
    client_of: ClientOf, viewer: User, alice: User, entry: AuditEntry
) -> None:
    client = client_of(viewer)

    assert "lh-button" in client_of(alice).get(page(entry)).content.decode()
    shown = client.get(page(entry))
    assert shown.status_code == 200
    assert "lh-button" not in shown.content.decode()
    assert client.get(page(entry, "tell")).status_code == 403
    assert client.post(page(entry, "tell")).status_code == 403
    assert verb(entry) == "going"


def test_a_stranger_is_sent_to_log_in(
    client_of: ClientOf, charlie: User, entry: AuditEntry
) -> None:
    response = client_of(charlie).post(page(entry, "tell"))

    assert (response.status_code, response["Location"].split("?")[0]) == (302, "/admin/login/")
    assert verb(entry) == "going"


def test_who_may_not_look_may_not_press(client_of: ClientOf, bob: User, entry: AuditEntry) -> None:
    assert client_of(bob).get(page(entry, "tell")).status_code == 403


def test_what_is_not_there_is_a_404(client_of: ClientOf, alice: User) -> None:
    assert client_of(alice).post("/admin/core/auditentry/999/tell/").status_code == 404


def test_a_form_asks_again_until_its_answers_are_right(
    client_of: ClientOf, alice: User, entry: AuditEntry
) -> None:
    client = client_of(alice)

    again = client.post(page(entry, "pause"), {"reason": "far too long"})
    assert again.status_code == 200
    assert "at most 10 characters" in again.content.decode()
    assert verb(entry) == "going"

    done = client.post(page(entry, "pause"), {"reason": "lunch"})
    assert said(done) == ["Paused."]
    assert verb(entry) == "lunch"


def test_a_refusal_is_shown_as_an_error(
    client_of: ClientOf, alice: User, entry: AuditEntry
) -> None:
    AuditEntry.objects.filter(pk=entry.pk).update(verb="over")

    response = client_of(alice).post(page(entry, "pause"), {"reason": "lunch"})

    assert said(response) == ["It is not going. Start it first."]
    assert verb(entry) == "over"


def test_a_question_that_is_refused_offers_no_yes(
    client_of: ClientOf, alice: User, entry: AuditEntry
) -> None:
    AuditEntry.objects.filter(pk=entry.pk).update(actor="nobody")

    html = client_of(alice).get(page(entry, "tell")).content.decode()

    assert "There is nobody to tell. Name somebody." in html
    assert 'type="submit"' not in html


def test_a_button_the_state_forbids_is_disabled_with_its_reason(
    client_of: ClientOf, alice: User, entry: AuditEntry
) -> None:
    before = client_of(alice).get(page(entry)).content.decode()
    AuditEntry.objects.filter(pk=entry.pk).update(verb="over")
    after = client_of(alice).get(page(entry)).content.decode()

    assert "It is over." not in before
    assert 'disabled title="It is over."' in after
    assert page(entry, "pause") in before
    assert page(entry, "pause") not in after
