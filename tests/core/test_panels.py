"""A live panel asks for itself while there is something to follow, and then stops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from core.audit import record
from core.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.example_admin")]
ClientOf = Callable[..., Client]


@pytest.fixture
def entry(charlie: User) -> AuditEntry:
    return record("going", charlie, actor="dora")


def address(entry: AuditEntry) -> str:
    return f"/admin/core/auditentry/{entry.pk}/panel/"


def test_a_live_panel_asks_for_itself(client_of: ClientOf, alice: User, entry: AuditEntry) -> None:
    response = client_of(alice).get(address(entry))

    html = response.content.decode()
    assert f'hx-get="{address(entry)}" hx-trigger="every 2s"' in html
    assert "dora" in html
    assert "HX-Refresh" not in response


def test_a_panel_that_is_over_carries_no_trigger(
    client_of: ClientOf, alice: User, entry: AuditEntry
) -> None:
    AuditEntry.objects.filter(pk=entry.pk).update(verb="over")

    response = client_of(alice).get(address(entry))

    assert "hx-" not in response.content.decode()
    assert response["HX-Refresh"] == "true"


def test_the_page_shows_the_same_fragment(
    client_of: ClientOf, alice: User, entry: AuditEntry
) -> None:
    client = client_of(alice)
    panel = client.get(address(entry)).content.decode()

    page = client.get(f"/admin/core/auditentry/{entry.pk}/change/").content.decode()

    assert panel.strip() in page


def test_a_panel_is_only_read_and_only_by_who_may_look(
    client_of: ClientOf, alice: User, bob: User, entry: AuditEntry
) -> None:
    assert client_of(alice).post(address(entry)).status_code == 405
    assert client_of(bob).get(address(entry)).status_code == 403


@pytest.mark.parametrize("suffix", ["panel", "tell"])
def test_a_page_whose_log_in_has_ended_is_reloaded_instead_of_losing_its_panel(
    client: Client, entry: AuditEntry, suffix: str
) -> None:
    place = f"/admin/core/auditentry/{entry.pk}/{suffix}/"

    fragment = client.get(place, headers={"HX-Request": "true"})
    page = client.get(place)

    assert (fragment.status_code, fragment.content) == (200, b"")
    assert fragment["HX-Refresh"] == "true"
    assert page["Location"] == f"/admin/login/?next={place}"
