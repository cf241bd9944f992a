"""Saved searches over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from core import clock
from messaging.models import Contact, Sender
from tenders.models import SavedSearch, TenderSource
from tests.tenders.asked import ask, publish
from tests.tenders.conftest import MONDAY

Api = Callable[..., APIClient]
ADDRESS = "/api/v1/tender-searches"
WISH: dict[str, Any] = {
    "name": "Bridges",
    "to": "Ada@Example.com",
    "criteria": {"all": "bridge", "cpv": ["45"], "least_value": "5000.00"},
    "frequency": "weekly",
    "weekday": 2,
    "hour": 6,
    "time_zone": "Africa/Johannesburg",
    "kinds": ["new", "deadline"],
}

pytestmark = pytest.mark.usefixtures("sender", "monday")


@pytest.fixture
def sender(db: None) -> Sender:
    return Sender.objects.create(name="Tenders", from_email="tenders@example.com")


@pytest.fixture
def monday(db: None):  # type: ignore[no-untyped-def]
    with clock.travel(to=MONDAY):
        yield


def test_a_search_is_saved_read_changed_paused_and_ended(api: Api):
    caller = api("alerts:read", "alerts:write")

    made = caller.post(ADDRESS, WISH, format="json", HTTP_IDEMPOTENCY_KEY="once")
    again = caller.post(ADDRESS, WISH, format="json", HTTP_IDEMPOTENCY_KEY="once")

    assert (made.status_code, again.status_code) == (201, 201)
    search = SavedSearch.objects.get()
    assert made["Location"] == f"{ADDRESS}/{search.public_id}"
    body = made.json()
    assert body == again.json() == caller.get(made["Location"]).json()
    assert body["criteria"] == WISH["criteria"]
    assert (body["status"], body["next_at"], body["messages"]) == (
        "active",
        "2026-03-03T04:00:00Z",
        0,
    )
    assert body["contact"] == Contact.objects.get(email="ada@example.com").public_id
    listed = caller.get(f"{ADDRESS}?contact={body['contact']}").json()["results"]
    assert [each["id"] for each in listed] == [search.public_id]

    place = made["Location"]
    changed = caller.patch(place, {"hour": 9, "criteria": {"any": "road"}}, format="json").json()
    assert (changed["criteria"], changed["next_at"]) == ({"any": "road"}, "2026-03-03T07:00:00Z")
    assert caller.post(f"{place}/pause").json()["status"] == "paused"
    assert caller.post(f"{place}/pause").status_code == 409
    assert caller.post(f"{place}/resume").json()["status"] == "active"
    assert caller.delete(place).json()["status"] == "ended"
    assert caller.delete(place).json()["status"] == "ended"
    assert caller.post(f"{place}/resume").status_code == 409


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"criteria": {"cpv": ["x"]}}, "#/cpv"),
        ({"criteria": {"word": "x"}}, "#/criteria/word"),
        ({"kinds": ["moved"]}, "#/kinds"),
        ({"hour": 25}, "#/hour"),
        ({"time_zone": "Mars"}, "#/time_zone"),
        ({"contact": "con_0"}, "#/contact"),
        ({"to": "nobody"}, "#/to"),
        ({"frequency": "hourly"}, "#/frequency"),
    ],
)
def test_what_cannot_be_is_refused_by_its_place(api: Api, change: dict[str, Any], pointer: str):
    answer = api("alerts:write").post(ADDRESS, {**WISH, **change}, format="json")

    assert answer.status_code in (400, 422)
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not SavedSearch.objects.exists()


def test_a_preview_counts_and_shows_and_saves_nothing(api: Api, source_row: TenderSource):
    publish(source_row)
    publish(source_row, "tunnel")

    found = api("alerts:read").post(f"{ADDRESS}/preview", {"all": "bridge"}, format="json").json()

    assert (found["count"], [t["ocid"] for t in found["tenders"]]) == (1, ["bridge"])
    assert not SavedSearch.objects.exists()


def test_a_key_needs_its_scope_and_staff_their_permission(
    api: Api, client_of: Callable[[User], Client], oscar: User, bob: User, charlie: User
):
    place = f"{ADDRESS}/{ask().public_id}"

    assert api().get(place).status_code == 401
    assert api("alerts:write").get(place).status_code == 403
    assert api("alerts:read").delete(place).status_code == 403
    assert api("tenders:read").post(f"{ADDRESS}/preview", {}).status_code == 403
    assert [client_of(who).get(place).status_code for who in (oscar, bob, charlie)] == [
        200,
        200,
        403,
    ]
    assert [client_of(who).post(f"{place}/pause").status_code for who in (charlie, bob, oscar)] == [
        403,
        403,
        200,
    ]
    assert SavedSearch.objects.get().status == "paused"
