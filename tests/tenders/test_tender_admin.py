"""Tenders in the admin: the list, what changed when, how a source stands, and who is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from core import clock
from core.models import AuditEntry
from jobs.models import Run
from messaging.actions.people import create_contact
from messaging.models import Sender
from tenders.differing import Difference, differences
from tenders.models import SavedSearch, SyncWindow, Tender, TenderSource
from tests.tenders.asked import ask, publish
from tests.tenders.conftest import MONDAY

ClientOf = Callable[..., Client]
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.usefixtures("monday")


@pytest.fixture
def monday(db: None):  # type: ignore[no-untyped-def]
    with clock.travel(to=MONDAY):
        yield


@pytest.fixture
def sender(db: None) -> Sender:
    return Sender.objects.create(name="Tenders", from_email="tenders@example.com")


def place(model: str, page: str, *args: object) -> str:
    return reverse(f"admin:tenders_{model}_{page}", args=args)


# --- tenders -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["bridge", "road", "tunnel"]),
        ({"q": "brid*"}, ["bridge"]),
        ({"q": "!"}, []),
        ({"find-any": "bridge road"}, ["bridge", "road"]),
        ({"find-cpv": "45, 90"}, ["bridge"]),
        ({"find-phases": "cancelled"}, ["road"]),
        ({"find-all": "a", "find-none": "bridge", "q": "tunnel"}, ["tunnel"]),
        ({"find-cpv": "x"}, []),
    ],
)
def test_the_list_finds_by_the_rule_of_all_doors(
    client_of: ClientOf,
    bob: User,
    source_row: TenderSource,
    asked: dict[str, str],
    found: list[str],
):
    publish(source_row, "bridge", classification={"scheme": "CPV", "id": "45221110"})
    publish(source_row, "road", status="cancelled")
    publish(source_row, "tunnel")

    answer = client_of(bob).get(place("tender", "changelist"), asked)

    assert answer.status_code == 200
    assert sorted(t.ocid for t in answer.context["cl"].result_list) == found
    if asked.get("find-cpv") == "x":
        assert "is no CPV code" in answer.content.decode()


def test_the_export_holds_what_the_list_shows(
    client_of: ClientOf, oscar: User, bob: User, source_row: TenderSource
):
    publish(source_row, "bridge", title="=cmd|'/c calc'!A1 bridge")
    publish(source_row, "tunnel")

    answer = client_of(oscar).get(place("tender", "export"), {"q": "bridge"})

    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 2
    assert "'=cmd|'/c calc'!A1 bridge" in lines[1]
    assert client_of(bob).get(place("tender", "export")).status_code == 403


def test_the_list_is_taken_away_as_ocds(
    client_of: ClientOf, oscar: User, bob: User, source_row: TenderSource
):
    publish(source_row, "bridge")
    publish(source_row, "tunnel")
    shown = client_of(oscar).get(place("tender", "changelist"), {"q": "bridge"}).content.decode()

    answer = client_of(oscar).get(place("tender", "export_ocds"), {"q": "bridge"})

    package = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert package["releases"] == [Tender.objects.get(ocid="bridge").compiled]
    assert f"{place('tender', 'export_ocds')}?q=bridge" in shown
    assert AuditEntry.objects.filter(verb="tenders.exported").count() == 1
    assert client_of(bob).get(place("tender", "export_ocds")).status_code == 403


def test_a_tender_shows_what_each_release_changed(
    client_of: ClientOf, bob: User, source_row: TenderSource
):
    publish(source_row, description="Of <b>wood</b>")
    publish(source_row, day=1, description="Of steel", value={"amount": 5, "currency": "GBP"})

    answer = client_of(bob).get(place("tender", "change", Tender.objects.get().pk))

    page = answer.content.decode()
    assert "2 releases, and what each changed" in page
    assert "<del>Of &lt;b&gt;wood&lt;/b&gt;</del>" in page
    assert "<ins>Of steel</ins>" in page
    assert "tender.value.amount" in page
    assert "Amended: description, value, currency" in page
    assert "<b>wood" not in page


def test_differences_are_told_leaf_by_leaf():
    before = {
        "id": "1",
        "tender": {"title": "A", "items": [{"id": "x", "quantity": 1}, {"id": "y"}]},
    }
    after = {
        "id": "2",
        "tender": {"title": "A", "items": [{"id": "y"}, {"id": "x", "quantity": 2}]},
    }

    assert differences(before, after) == [Difference("tender.items[x].quantity", "1", "2")]
    assert differences(after, {}) == [
        Difference("tender.items[x].id", "x", None),
        Difference("tender.items[x].quantity", "2", None),
        Difference("tender.items[y].id", "y", None),
        Difference("tender.title", "A", None),
    ]


# --- sources -------------------------------------------------------------------------------------------


@pytest.fixture
def gap(source_row: TenderSource) -> SyncWindow:
    """An hour that is complete, and after it one that is not."""
    at = MONDAY - 2 * HOUR
    SyncWindow.objects.create(source=source_row, starts_at=at, ends_at=at + HOUR, status="complete")
    return SyncWindow.objects.create(
        source=source_row,
        starts_at=at + HOUR,
        ends_at=MONDAY,
        problem="It answers 500.",
        error_count=3,
    )


def test_a_source_shows_its_gaps_in_red(
    client_of: ClientOf, bob: User, source_row: TenderSource, gap: SyncWindow
):
    page = client_of(bob).get(place("tendersource", "change", source_row.pk)).content.decode()

    assert page.count('class="coverage__good"') == 1
    assert page.count('class="coverage__bad"') == 1
    assert "1 window not proven complete" in page
    assert "It answers 500." in page
    assert source_row.attribution in page
    assert "Sync now" not in page  # Bob looks


def test_staff_sync_switch_and_give_up(
    client_of: ClientOf, oscar: User, bob: User, source_row: TenderSource, gap: SyncWindow
):
    browser, source = client_of(oscar), source_row.pk
    assert browser.post(place("tendersource", "sync", source)).status_code == 302
    assert browser.post(place("tendersource", "switch_on", source)).status_code == 302
    source_row.refresh_from_db()
    assert source_row.is_enabled

    refused = browser.post(place("syncwindow", "close", gap.pk), {"reason": ""})
    assert "This field is required" in refused.content.decode()
    assert (
        client_of(bob).post(place("syncwindow", "close", gap.pk), {"reason": "x"}).status_code
        == 403
    )
    browser.post(place("syncwindow", "close", gap.pk), {"reason": "The source lost it."})
    gap.refresh_from_db()
    assert (gap.status, gap.closed_by, gap.closed_reason) == (
        "closed",
        "staff:oscar",
        "The source lost it.",
    )
    browser.post(place("syncwindow", "reopen", gap.pk))
    gap.refresh_from_db()
    assert gap.status == "open"
    assert client_of(bob).post(place("tendersource", "sync", source)).status_code == 403


def test_a_row_that_cannot_work_is_refused_in_its_form(
    client_of: ClientOf, alice: User, source_row: TenderSource
):
    browser, page = client_of(alice), place("tendersource", "change", source_row.pk)
    form = browser.get(page).context["adminform"].form
    given = {name: form[name].value() for name in form.fields}
    given = {name: "" if value is None else value for name, value in given.items()}

    refused = browser.post(page, {**given, "time_zone": "Mars/Olympus"})
    assert "There is no time zone" in refused.content.decode()
    assert browser.post(page, {**given, "name": "FTS"}).status_code == 302
    source_row.refresh_from_db()
    assert (source_row.name, source_row.time_zone) == ("FTS", "UTC")


# --- saved searches ------------------------------------------------------------------------------------


def test_a_search_is_previewed_saved_changed_and_ended(
    client_of: ClientOf, oscar: User, source_row: TenderSource, sender: Sender
):
    publish(source_row)
    publish(source_row, "tunnel")
    browser = client_of(oscar)
    ada = create_contact(email="ada@example.com", actor="staff:oscar")
    given = {
        "name": "Bridges",
        "contact": ada.pk,
        "sender": sender.pk,
        "all": "bridge",
        "cpv": "45, 90",
        "phases": ["tender", "planning"],
        "frequency": "daily",
        "hour": 7,
        "weekday": 1,
        "time_zone": "Africa/Johannesburg",
    }

    seen = browser.post(place("savedsearch", "preview"), {"all": "bridge"}).content.decode()
    assert "1 tender found" in seen
    assert "A tunnel" not in seen
    wrong = browser.post(place("savedsearch", "preview"), {"cpv": "x"}).content.decode()
    assert "is no CPV code" in wrong
    assert not SavedSearch.objects.exists()

    assert browser.post(place("savedsearch", "add"), {**given, "cpv": "x"}).status_code == 200
    assert browser.post(place("savedsearch", "add"), given).status_code == 302
    search = SavedSearch.objects.get()
    assert search.criteria == {
        "all": "bridge",
        "cpv": ["45", "90"],
        "phases": ["tender", "planning"],
    }
    page = place("savedsearch", "change", search.pk)
    shown = browser.get(page).content.decode()
    assert "all of: bridge; CPV: 45 or 90; phase: Tender or Planning" in shown
    assert browser.post(page, {**given, "cpv": "", "frequency": "instant"}).status_code == 302
    search.refresh_from_db()
    assert (search.frequency, search.next_at, "cpv" in search.criteria) == ("instant", None, False)
    SavedSearch.objects.update(criteria={"published_from": "2026-03-01T00:00:00+00:00"})
    browser.post(page, {**given, "all": "road"})  # the form does not ask for that, and keeps it
    search.refresh_from_db()
    assert search.criteria["published_from"] == "2026-03-01T00:00:00+00:00"
    browser.post(place("savedsearch", "end", search.pk))
    search.refresh_from_db()
    assert search.status == "ended"


def test_a_viewer_looks_and_changes_nothing(
    client_of: ClientOf, bob: User, charlie: User, sender: Sender
):
    search = ask()
    page = place("savedsearch", "change", search.pk)

    assert client_of(bob).get(page).status_code == 200
    assert client_of(bob).post(page, {"name": "Mine"}).status_code == 403
    assert client_of(bob).post(place("savedsearch", "pause", search.pk)).status_code == 403
    assert client_of(charlie).get(page).status_code == 302
    search.refresh_from_db()
    assert (search.name, search.status) == ("Bridges", "active")


def test_staff_ask_for_a_range_and_for_enrichment(
    client_of: ClientOf, oscar: User, bob: User, source_row: TenderSource
):
    publish(source_row)
    tender = Tender.objects.get()
    TenderSource.objects.update(enricher="ai")
    browser = client_of(oscar)

    days = {"start": "2026-02-20", "end": "2026-02-23"}
    assert browser.post(place("tendersource", "backfill", source_row.pk), days).status_code == 302
    assert browser.post(place("tendersource", "enrich_today", source_row.pk)).status_code == 302
    assert browser.post(place("tender", "enrich", tender.pk)).status_code == 302

    runs = {run.workflow: run.input for run in Run.objects.all()}
    assert runs["tenders.enrich"] == {"tenders": [tender.public_id], "force": True}
    assert runs["tenders.enrich_range"]["start"] == "2026-03-02T00:00:00Z"
    assert runs["tenders.enrich_range"]["end"] == "2026-03-03T00:00:00Z"
    assert "tenders.backfill" in runs
    refused = browser.post(place("tendersource", "enrich_range", source_row.pk), days, follow=True)
    assert "is being enriched already" in refused.content.decode()
    Run.objects.filter(workflow="tenders.enrich_range").delete()
    assert (
        browser.post(place("tendersource", "enrich_range", source_row.pk), days).status_code == 302
    )
    ranged = Run.objects.get(workflow="tenders.enrich_range")
    assert (ranged.input["start"], ranged.input["end"]) == (
        "2026-02-20T00:00:00Z",
        "2026-02-24T00:00:00Z",
    )
    assert client_of(bob).post(place("tender", "enrich", tender.pk)).status_code == 403
