"""A source that falls silent on working days wakes somebody; what was kept long enough goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_django.fixtures import Settings

from core import clock
from jobs.actions import cancel_run
from jobs.events.sending import send_event
from jobs.models import Run
from jobs.testing import run_until_idle
from tenders import actions
from tenders.models import OcdsRelease, SourcePage, SyncWindow, TenderSource
from tenders.tending import (
    alarm_of_silence,
    forget_pages,
    forget_windows,
    open_abandoned_windows,
    working_hours,
)
from tests.fakes.notices import uk_release
from tests.fakes.tender_sources import TenderServer
from tests.tenders.conftest import MONDAY

FRIDAY = MONDAY - timedelta(days=3)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (FRIDAY, MONDAY, 24.0),  # twelve of Friday and twelve of Monday
        (FRIDAY, FRIDAY + timedelta(hours=5), 5.0),
        (FRIDAY + timedelta(days=1), FRIDAY + timedelta(days=2), 0.0),
        (MONDAY, FRIDAY, 0.0),
    ],
)
def test_only_working_days_count(start: datetime, end: datetime, hours: float):
    assert working_hours(start, end, zone=UTC) == hours


def test_a_day_is_the_source_s_own():
    midnight = datetime(2026, 3, 1, 22, 0, tzinfo=UTC)  # Monday has begun in Johannesburg

    zone = ZoneInfo("Africa/Johannesburg")
    assert working_hours(midnight, midnight + timedelta(hours=2), zone=zone) == 2.0


def test_a_silent_source_alarms_once_a_day(source_row: TenderSource, settings: Settings):
    settings.ALERT_EMAILS = ["ops@example.org"]
    rows = TenderSource.objects.filter(pk=source_row.pk)
    rows.update(last_new_at=FRIDAY)
    with clock.travel(to=MONDAY):
        assert alarm_of_silence() == []  # it is switched off
        actions.enable_source(source_row, actor="staff:alice")
        SyncWindow.objects.create(
            source=source_row, starts_at=FRIDAY, ends_at=MONDAY, problem="It answers 502."
        )
        assert alarm_of_silence() == ["uk_find_a_tender"]
        assert alarm_of_silence() == []
    with clock.travel(to=MONDAY + timedelta(hours=24)):
        assert alarm_of_silence() == ["uk_find_a_tender"]

    first = Run.objects.filter(workflow="messaging.alert").order_by("pk").first()
    assert first is not None
    assert first.input["subject"] == (
        "No new tenders of UK Find a Tender for 24 hours of working days"
    )
    assert first.input["text"].endswith("The oldest gap says: It answers 502.")
    rows.update(last_new_at=MONDAY + timedelta(hours=40))
    with clock.travel(to=MONDAY + timedelta(hours=50)):
        assert alarm_of_silence() == []


def test_pages_and_old_windows_are_forgotten_and_releases_stay(
    served: Callable[..., TenderServer],
    source_at: Callable[..., TenderSource],
    synced: Callable[..., Run],
):
    server = served()
    server.board.put(MONDAY, uk_release(1, MONDAY))
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source_at(server))
    with clock.travel(to=MONDAY + timedelta(days=14)):
        assert forget_pages() == 0
    with clock.travel(to=MONDAY + timedelta(days=15)):
        assert (forget_pages(), forget_pages()) == (1, 0)
    with clock.travel(to=MONDAY + timedelta(days=200)):
        assert (forget_windows(), forget_windows()) == (1, 0)

    assert not SourcePage.objects.exists()
    assert OcdsRelease.objects.get().page is None


def test_an_event_asks_for_a_sync_of_one_source_or_of_all(
    served: Callable[..., TenderServer], source_at: Callable[..., TenderSource]
):
    one = source_at(served())
    two = source_at(served("za_etenders"), "za_etenders")
    actions.enable_source(two, actor="staff:alice")
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        send_event("tender/sync.requested", {"source": one.key, "maxEnrichment": 5})
        send_event("tender/sync.requested", {"requireEnrichment": True})
        send_event("tender/sync.requested", {"source": one.key, "fromDate": "2026-02-01"})
        run_until_idle(advance=True)

    runs = Run.objects.filter(workflow="tenders.sync").order_by("pk")
    assert [run.input for run in runs] == [
        {"source": "uk_find_a_tender", "max_enrichment": 5},
        {"source": "za_etenders", "max_enrichment": 300},
    ]
    assert Run.objects.get(workflow="tenders.backfill").input == {
        "source": "uk_find_a_tender",
        "max_enrichment": 300,
    }


def test_what_a_range_brings_does_not_hide_that_a_source_is_silent(
    served: Callable[..., TenderServer], source_at: Callable[..., TenderSource]
):
    server = served()
    server.board.put(MONDAY - timedelta(days=9), uk_release(1, MONDAY))
    source = source_at(server)

    with clock.travel(to=MONDAY):
        start, end = MONDAY - timedelta(days=10), MONDAY - timedelta(days=8)
        actions.request_backfill(source, start=start, end=end, actor="staff:alice")
        run_until_idle(advance=True)

    source.refresh_from_db()
    assert (source.tenders.count(), source.last_new_at) == (1, None)


def test_a_window_whose_run_is_over_is_not_shown_as_being_fetched(source_row: TenderSource):
    run = actions.request_sync(source_row, actor="staff:alice")
    window = SyncWindow.objects.create(
        source=source_row, starts_at=FRIDAY, ends_at=MONDAY, status="fetching", run=run
    )

    assert open_abandoned_windows() == 0
    cancel_run(run, actor="staff:alice")
    assert open_abandoned_windows() == 1

    window.refresh_from_db()
    assert (window.status, window.run) == ("open", None)
