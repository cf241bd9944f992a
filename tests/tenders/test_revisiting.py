"""What a list by date of publication never shows is seen by asking for open tenders again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from core import clock
from jobs.models import Run
from jobs.testing import run_until_idle
from tenders import actions
from tenders.actions.syncing import start_revisits
from tenders.models import Tender, TenderEvent, TenderSource
from tests.fakes.notices import Notice, za_release
from tests.fakes.tender_sources import TenderServer, fails, limits_by
from tests.tenders.conftest import MONDAY


def test_a_moved_deadline_is_seen_by_the_second_look(
    served: Callable[..., TenderServer],
    source_at: Callable[..., TenderSource],
    synced: Callable[..., Run],
):
    server = served("za_etenders")
    for number in range(170_000, 170_003):
        server.board.put(MONDAY, za_release(number, MONDAY))
    source = source_at(server, "za_etenders")
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)
    server.board.notices[0] = Notice(MONDAY, za_release(170_000, MONDAY, closes_in=50))
    moved = server.board.notices[0].release["ocid"]
    server.asked.clear()
    server.next_faults = [limits_by(429, seconds=1), fails(500)]

    with clock.travel(to=MONDAY + timedelta(days=10)):
        assert start_revisits(actor="system") == []  # it is switched off
        actions.enable_source(source, actor="staff:alice")
        [_] = start_revisits(actor="system")
        run_until_idle(advance=True)
        first = Run.objects.get(workflow="tenders.revisit")
        start_revisits(actor="system")
        run_until_idle(advance=True)

    assert first.output == {"asked": 3, "changed": first.output["changed"], "failed": 1}  # type: ignore[index]
    assert Tender.objects.get(ocid=moved).closes_at == MONDAY.replace(hour=11) + timedelta(days=50)
    event = TenderEvent.objects.get(kind="deadline")
    assert (event.tender.ocid, event.is_news) == (moved, True)
    assert len(server.asked) == 7  # once more where it had to wait


def test_what_is_long_closed_is_left_alone(
    served: Callable[..., TenderServer],
    source_at: Callable[..., TenderSource],
    synced: Callable[..., Run],
):
    server = served("za_etenders")
    server.board.put(MONDAY, za_release(170_000, MONDAY, closes_in=5))
    source = source_at(server, "za_etenders")
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)
    actions.enable_source(source, actor="staff:alice")
    server.asked.clear()

    with clock.travel(to=MONDAY + timedelta(days=9)):
        start_revisits(actor="system")
        run_until_idle(advance=True)

    assert server.asked == []


def test_a_host_that_limits_the_second_look_is_asked_for_nobody_twice(
    served: Callable[..., TenderServer],
    source_at: Callable[..., TenderSource],
    synced: Callable[..., Run],
):
    server = served("za_etenders")
    for number in range(170_000, 170_005):
        server.board.put(MONDAY, za_release(number, MONDAY))
    source = source_at(server, "za_etenders")
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)
    actions.enable_source(source, actor="staff:alice")
    server.asked.clear()
    too_fast = limits_by(429, seconds=1)
    server.next_faults = [None, None, too_fast, None, None, too_fast]

    with clock.travel(to=MONDAY + timedelta(days=1)):
        start_revisits(actor="system")
        run_until_idle(advance=True)

    answered = [path for _, path, status in server.asked if status == 200]
    assert len(answered) == len(set(answered)) == 5
    assert Run.objects.get(workflow="tenders.revisit").output == {
        "asked": 5,
        "changed": 0,
        "failed": 0,
    }


def test_a_host_that_is_down_for_all_of_it_ends_the_second_look(
    served: Callable[..., TenderServer],
    source_at: Callable[..., TenderSource],
    synced: Callable[..., Run],
):
    server = served("za_etenders")
    server.board.put(MONDAY, za_release(170_000, MONDAY))
    source = source_at(server, "za_etenders")
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)
    actions.enable_source(source, actor="staff:alice")
    server.asked.clear()
    server.faults, server.fault_rate = (limits_by(503, seconds=1),), 1.0

    with clock.travel(to=MONDAY + timedelta(days=1)):
        start_revisits(actor="system")
        run_until_idle(advance=True)

    run = Run.objects.get(workflow="tenders.revisit")
    assert (run.status, len(server.asked)) == ("completed", 6)
