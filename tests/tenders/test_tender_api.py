"""Tenders over HTTP: the same search, the same actions, and nobody without the scope."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from core import clock
from jobs.models import Run
from tenders.models import SyncWindow, Tender, TenderSource
from tests.fakes.notices import uk_release
from tests.tenders.conftest import MONDAY
from tests.tenders.test_saving import save

Api = Callable[..., APIClient]


@pytest.fixture
def tenders(source_row: TenderSource) -> TenderSource:
    releases = [uk_release(number, MONDAY) for number in range(3)]
    releases[1]["tender"]["title"] = '=HYPERLINK("http://evil.example")'
    save(source_row, [*releases, uk_release(0, MONDAY + timedelta(days=1), stage=2)])
    return source_row


def test_tenders_are_searched(tenders: TenderSource, api: Api):
    client = api("tenders:read")

    found = client.get("/api/v1/tenders?cpv=45000001,45000002&region=UK2").json()

    [tender] = found["results"]
    assert tender == tender | {
        "ocid": "ocds-h6vhtk-000002",
        "source": "uk_find_a_tender",
        "title": "Road maintenance and cleaning, lot 2",
        "phase": "tender",
        "category": "goods",
        "cpv": ["45000002"],
        "value": "1002.50",
        "closes_at": "2026-03-23T12:00:00Z",
    }
    assert len(client.get("/api/v1/tenders").json()["results"]) == 3
    assert len(client.get("/api/v1/tenders?all=road").json()["results"]) == 2


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("cvp=45", 400, "#/cvp"),
        ("least_value=cheap", 400, "#/least_value"),
        ("cpv=4x", 422, ""),
        ("phase=open", 422, ""),
    ],
)
def test_what_cannot_be_searched_for_is_refused(
    tenders: TenderSource, api: Api, query: str, status: int, field: str
):
    answer = api("tenders:read").get(f"/api/v1/tenders?{query}")

    assert answer.status_code == status
    if field:
        assert answer.json()["errors"][0]["pointer"] == field


def test_a_tender_tells_its_releases_and_changes(tenders: TenderSource, api: Api):
    client = api("tenders:read")

    one = client.get("/api/v1/tenders/ocds-h6vhtk-000000").json()

    assert [event["kind"] for event in one["events"]] == ["new"]
    assert [release["id"] for release in one["releases"]] == ["000000-1", "000000-2"]
    assert one["releases"][0]["release"] == uk_release(0, MONDAY)
    assert one["compiled"]["tag"] == ["compiled"]
    assert one["licence"] == "Open Government Licence v3.0"
    assert client.get(f"/api/v1/tenders/{one['id']}").json() == one
    assert client.get("/api/v1/tenders/tnd_0").status_code == 404


def test_an_export_holds_no_formula(tenders: TenderSource, api: Api):
    client = api("tenders:read")

    lines = b"".join(client.get("/api/v1/tenders/export").streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = {row["ocid"]: row for row in csv.DictReader(io.StringIO(lines))}
    assert rows["ocds-h6vhtk-000001"]["title"] == '\'=HYPERLINK("http://evil.example")'
    assert rows["ocds-h6vhtk-000002"]["cpv"] == "45000002"

    answer = client.get("/api/v1/tenders/export?as=ocds&region=UK2")
    package = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert package["version"] == "1.1"
    assert package["releases"] == [Tender.objects.get(region="UK2").compiled]
    assert package["licences"] == [
        {
            "key": "uk_find_a_tender",
            "name": "UK Find a Tender",
            "licence": "Open Government Licence v3.0",
            "attribution": tenders.attribution,
        }
    ]
    assert client.get("/api/v1/tenders/export?as=xml").status_code == 422


def test_a_sync_and_a_range_are_asked_for(tenders: TenderSource, api: Api):
    client = api("tenders:sync")
    with clock.travel(to=MONDAY):
        answer = client.post("/api/v1/tender-sources/uk_find_a_tender/sync", {})
        again = client.post("/api/v1/tender-sources/uk_find_a_tender/sync", {})
        days = {"from": "2026-02-01", "to": "2026-02-02"}
        ranged = client.post("/api/v1/tender-sources/uk_find_a_tender/sync", days)
        bad = client.post("/api/v1/tender-sources/uk_find_a_tender/sync", {"from": "May"})
        headless = api("tenders:enrich").post(
            "/api/v1/tender-sources/uk_find_a_tender/enrich", {"to": "2026-02-02"}
        )

    run = Run.objects.get(workflow="tenders.sync")
    assert (answer.status_code, answer.json()) == (202, {"run": run.public_id})
    assert answer.headers["Location"] == f"/api/v1/runs/{run.public_id}"
    assert again.status_code == 409
    assert ranged.json() == {"run": Run.objects.get(workflow="tenders.backfill").public_id}
    assert SyncWindow.objects.filter(kind="backfill").count() == 8
    assert (bad.status_code, bad.json()["detail"]) == (422, "'May' is no day.")
    assert (headless.status_code, headless.json()["detail"]) == (422, "'' is no day.")


def test_sources_and_windows_are_told_and_a_gap_is_given_up(tenders: TenderSource, api: Api):
    window = SyncWindow.objects.create(
        source=tenders, starts_at=MONDAY, ends_at=MONDAY + timedelta(hours=6), problem="It lies."
    )
    client = api("tenders:read", "tenders:sync")

    [source] = client.get("/api/v1/tender-sources").json()
    assert (source["key"], source["open_windows"]) == ("uk_find_a_tender", 1)
    [told] = client.get("/api/v1/tender-sources/uk_find_a_tender/windows").json()["results"]
    assert (told["id"], told["status"], told["problem"]) == (window.public_id, "open", "It lies.")
    closed = client.post(f"/api/v1/tender-windows/{window.public_id}/close", {"reason": "Lost."})
    assert (closed.status_code, closed.json()["status"]) == (200, "closed")
    again = client.post(f"/api/v1/tender-windows/{window.public_id}/close", {"reason": "Lost."})
    assert again.status_code == 409


PLACES: list[tuple[str, str, dict[str, Any]]] = [
    ("get", "/api/v1/tenders", {}),
    ("get", "/api/v1/tenders/export", {}),
    ("get", "/api/v1/tender-sources", {}),
    ("get", "/api/v1/tender-sources/uk_find_a_tender/windows", {}),
    ("post", "/api/v1/tender-sources/uk_find_a_tender/sync", {}),
]


@pytest.mark.parametrize(("method", "place", "body"), PLACES)
def test_a_stranger_may_nothing_and_a_viewer_only_look(
    tenders: TenderSource,
    api: Api,
    bob: User,
    charlie: User,
    oscar: User,
    client_of: Callable[[User], Client],
    method: str,
    place: str,
    body: dict[str, Any],
):
    def ask(client: Any) -> int:
        return (
            getattr(client, method)(place, body, format="json").status_code
            if isinstance(client, APIClient)
            else getattr(client, method)(place).status_code
        )

    assert ask(api()) == 401
    assert ask(api("runs:read")) == 403
    assert ask(client_of(charlie)) == 403
    may_look = method == "get" and "export" not in place
    assert ask(client_of(bob)) == (200 if may_look else 403)
    if method == "get":
        assert ask(client_of(oscar)) == 200
    assert not Run.objects.exists()
