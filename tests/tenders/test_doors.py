"""The command line of tenders, and the schedule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core import clock
from core.errors import Conflict, Refused
from core.models import AuditEntry
from jobs.models import Run
from jobs.testing import run_until_idle
from tenders import actions
from tenders.actions.syncing import start_due_syncs
from tenders.models import SyncWindow, TenderSource
from tests.fakes.notices import uk_release
from tests.fakes.tender_sources import TenderServer, fails
from tests.tenders.conftest import MONDAY

Serve = Callable[..., TenderServer]
SourceAt = Callable[..., TenderSource]
Sync = Callable[..., Run]


def command(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_sources_are_installed_as_often_as_one_likes(db: None):
    first = command("install_sources")
    TenderSource.objects.filter(key="za_etenders").update(interval_seconds=5)
    again = command("install_sources")

    assert first.splitlines()[-1] == "3 installed"
    assert again.splitlines() == [
        "za_etenders: kept, it was changed by staff",
        "uk_find_a_tender: up to date",
        "uk_contracts_finder: up to date",
        "1 kept, 2 up to date",
    ]
    assert not TenderSource.objects.filter(is_enabled=True).exists()


def test_a_sync_is_started_from_the_command_line(served: Serve, source_at: SourceAt):
    source_at(served())

    out = command("sync_tenders", "--source", "uk_find_a_tender")

    run = Run.objects.get(workflow="tenders.sync")
    assert out == f"Syncing UK Find a Tender as {run.public_id}.\n"
    assert run.input == {"source": "uk_find_a_tender", "max_enrichment": 300}
    with pytest.raises(CommandError, match="is being synced already"):
        command("sync_tenders", "--source", "uk_find_a_tender")


def test_a_range_is_fetched_newest_first_and_is_no_news(served: Serve, source_at: SourceAt):
    server = served()
    for day in range(4):
        at = MONDAY - timedelta(days=10 - day)
        server.board.put(at, uk_release(day, at))
    source = source_at(server, step_seconds=86400, overlap_seconds=0)

    with clock.travel(to=MONDAY):
        command(
            "sync_tenders", "--source", source.key, "--from", "2026-02-20", "--to", "2026-02-23"
        )
        run_until_idle(advance=True)

    spans = [path.split("&")[1][-24:-14] for _, path, _ in server.asked]
    assert spans == ["2026-02-24", "2026-02-23", "2026-02-22", "2026-02-21"]  # each one's end
    run = Run.objects.get(workflow="tenders.backfill")
    assert run.output is not None
    assert (run.output["outcome"], run.output["new_releases"]) == ("SUCCESS", 4)
    source.refresh_from_db()
    assert (source.cursor_at, source.tenders.count()) == (MONDAY, 4)
    assert not source.tenders.filter(events__is_news=True).exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--source", "nowhere"], "There is no source 'nowhere'"),
        (["--source", "uk_find_a_tender", "--from", "yesterday"], "'yesterday' is no day"),
        (["--source", "uk_find_a_tender", "--from", "2026-03-02", "--to", "2026-03-01"], "ends on"),
        (["--source", "uk_find_a_tender", "--from", "2099-01-01"], "has not come yet"),
        (["--source", "uk_find_a_tender", "--max-enrichment", "301"], "301 tenders cannot"),
    ],
)
def test_what_cannot_be_synced_is_refused(source_row: TenderSource, arguments: list[str], why: str):
    with pytest.raises(CommandError, match=why):
        command("sync_tenders", *arguments)

    assert not Run.objects.exists()
    assert not SyncWindow.objects.exists()


def test_the_schedule_syncs_what_is_switched_on(served: Serve, source_at: SourceAt):
    on = source_at(served(), key="uk_find_a_tender")
    source_at(served(), key="za_etenders")
    actions.enable_source(on, actor="staff:alice")
    with pytest.raises(Conflict):
        actions.enable_source(on, actor="staff:alice")

    assert len(start_due_syncs(actor="system")) == 1
    assert start_due_syncs(actor="system") == []  # it is under way

    assert [run.input["source"] for run in Run.objects.filter(status="ready")] == [on.key]


def test_staff_give_a_window_up_and_take_it_up_again(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served()
    source = source_at(server)
    server.next_faults = [fails(500)] * 3
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)
        gap = SyncWindow.objects.gaps().get()
        with pytest.raises(Refused, match="Nobody would know why"):
            actions.close_window(gap, reason=" ", actor="staff:alice")

        actions.close_window(gap, reason="The source lost that hour.", actor="staff:alice")

        source.refresh_from_db()
        assert source.cursor_at == MONDAY + timedelta(hours=1)
        with pytest.raises(Conflict):
            actions.close_window(gap, reason="Again", actor="staff:alice")
        actions.reopen_window(gap, actor="staff:alice")
        source.refresh_from_db()
        assert source.cursor_at == MONDAY
        log = synced(source).output
        assert (log["outcome"], log["windows_complete"]) == ("SUCCESS", 1)
    verbs = AuditEntry.objects.filter(verb__startswith="tender_window").order_by("pk")
    assert list(verbs.values_list("verb", flat=True)) == [
        "tender_window.closed",
        "tender_window.reopened",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", "No Spaces"),
        ("url", "nowhere"),
        ("time_zone", "Mars/Olympus"),
        ("fixups", [{"replace": "("}]),
        ("fixups", [{"replace": "(", "by": ""}]),
        ("fixups", [{"shell": "rm"}]),
        ("params", ["x"]),
        ("limit_statuses", [20]),
        ("retry_seconds", ["soon"]),
        ("date_format", "today"),
        ("page_param", ""),
        ("item_url", "https://elsewhere.example/{ocid}"),
        ("least_seconds", 10**8),
        ("interval_seconds", 0),
    ],
)
def test_a_row_that_cannot_work_is_refused_by_its_field(
    source_row: TenderSource, field: str, value: object
):
    row = {"paging": "numbered", "page_param": "page", field: value}

    with pytest.raises(Refused) as refusal:
        actions.update_source(source_row, actor="staff:alice", **row)

    assert refusal.value.field == field
    assert not AuditEntry.objects.filter(verb="tender_source.updated").exists()
