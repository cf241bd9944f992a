"""A sync brings everything, proves it, and moves the cursor no further than that."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from core import clock
from jobs.models import Run
from tenders.models import (
    AbsentNumber,
    OcdsRelease,
    SourcePage,
    SyncWindow,
    Tender,
    TenderEvent,
    TenderNote,
    TenderSource,
)
from tests.fakes.notices import uk_release, za_release
from tests.fakes.serving import Reply
from tests.fakes.tender_sources import (
    SouthAfrica,
    TenderServer,
    complains,
    damaged,
    fails,
    limits_by,
    truncates,
    without_link,
)
from tests.tenders.conftest import MONDAY

Serve = Callable[..., TenderServer]
SourceAt = Callable[..., TenderSource]
Sync = Callable[..., Run]


def filled(server: TenderServer, count: int, *, every: timedelta) -> None:
    for number in range(count):
        at = MONDAY + every * (number + 1)
        server.board.put(at, uk_release(number, at))


def stored(source: TenderSource) -> set[tuple[str, str]]:
    return set(OcdsRelease.objects.filter(source=source).values_list("ocid", "release_id"))


def test_all_pages_are_followed_and_the_cursor_stands_at_the_end(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served()
    filled(server, 250, every=timedelta(minutes=1))
    source = source_at(server)

    with clock.travel(to=MONDAY + timedelta(hours=5)):
        run = synced(source)

    assert stored(source) == server.board.keys()
    assert (source.cursor_at, source.last_new_at) == (
        MONDAY + timedelta(hours=5),
        MONDAY + timedelta(hours=5),
    )
    assert run.output == {
        "outcome": "SUCCESS",
        "windows_complete": 1,
        "windows_open": 0,
        "pages": 3,
        "new_releases": 250,
        "failed_requests": 0,
        "enriched": {},
        "problems": [],
    }
    assert Tender.objects.count() == 250
    assert TenderEvent.objects.filter(kind="new", is_news=True).count() == 250


def test_a_second_sync_of_the_same_changes_nothing(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served()
    filled(server, 30, every=timedelta(minutes=1))
    source = source_at(server)
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)
    before = list(Tender.objects.order_by("pk").values())

    with clock.travel(to=MONDAY + timedelta(hours=1, minutes=30)):
        run = synced(source)

    assert run.output["new_releases"] == 0
    assert run.output["pages"] == 1  # the overlap was asked for again
    assert list(Tender.objects.order_by("pk").values()) == before
    assert TenderEvent.objects.count() == 30


def test_what_is_shown_late_is_found_by_the_overlap(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served()
    filled(server, 5, every=timedelta(minutes=10))
    source = source_at(server)
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)
    at = MONDAY + timedelta(minutes=20)
    server.board.put(at, uk_release(900, at))

    with clock.travel(to=MONDAY + timedelta(hours=1, minutes=30)):
        synced(source)

    assert stored(source) == server.board.keys()


def test_a_link_that_vanished_leaves_the_window_open_or_splits_it(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served()
    filled(server, 250, every=timedelta(minutes=1))
    source = source_at(server, least_seconds=6 * 3600)
    server.next_faults = [without_link]

    with clock.travel(to=MONDAY + timedelta(hours=5)):
        run = synced(source)

    assert run.output["outcome"] == "PARTIAL"
    assert run.output["problems"] == ["The last page is full (100 releases) and names no next one."]
    assert source.cursor_at == MONDAY
    assert len(stored(source)) == 100

    with clock.travel(to=MONDAY + timedelta(hours=5, minutes=30)):
        run = synced(source)
    assert (run.output["outcome"], run.output["windows_complete"]) == ("SUCCESS", 2)
    assert stored(source) == server.board.keys()
    assert source.cursor_at == MONDAY + timedelta(hours=5, minutes=30)


def test_a_capped_window_is_split_until_its_parts_are_proven(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served()
    filled(server, 250, every=timedelta(minutes=1))
    source = source_at(server, overlap_seconds=0)
    server.faults, server.fault_rate = (without_link,), 1.0  # for weeks, as in June 2026

    with clock.travel(to=MONDAY + timedelta(hours=5)):
        run = synced(source)

    assert run.output["outcome"] == "SUCCESS"
    assert stored(source) == server.board.keys()
    assert source.cursor_at == MONDAY + timedelta(hours=5)
    assert SyncWindow.objects.filter(status="split").count() == 3
    assert SyncWindow.objects.filter(status="complete").count() == 4


def test_a_source_that_caps_its_pages_silently_is_not_believed_where_a_link_vanishes(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served(page_cap=40)  # a hundred are asked for
    filled(server, 100, every=timedelta(minutes=1))
    source = source_at(server, overlap_seconds=0, least_seconds=6 * 3600)
    server.next_faults = [None, without_link]

    with clock.travel(to=MONDAY + timedelta(hours=5)):
        run = synced(source)

    assert run.output["problems"] == ["The last page is full (40 releases) and names no next one."]
    assert (len(stored(source)), source.cursor_at) == (80, MONDAY)
    server.next_faults = [without_link]  # of the first page: the pages before tell how much is full
    with clock.travel(to=MONDAY + timedelta(hours=5, minutes=10)):
        run = synced(source)
    assert run.output["problems"] == ["The last page is full (40 releases) and names no next one."]
    with clock.travel(to=MONDAY + timedelta(hours=5, minutes=20)):
        run = synced(source)
    assert (run.output["outcome"], stored(source)) == ("SUCCESS", server.board.keys())


def test_a_source_that_always_names_a_next_page_comes_to_an_end(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served()
    filled(server, 3, every=timedelta(minutes=1))
    pages = itertools.count(2)

    def endless(reply: Reply) -> Reply:
        return Reply(200, {**reply.body, "links": {"next": f"?page={next(pages)}&{SPAN}"}})

    server.faults, server.fault_rate = (endless,), 1.0
    source = source_at(server)

    with clock.travel(to=MONDAY + timedelta(hours=1)):
        run = synced(source)
    assert run.output["problems"] == [  # the same three for ever
        "Page 2 is page 1 once more: what stood there is unknown."
    ]

    server.board.notices.clear()
    server.asked.clear()
    with clock.travel(to=MONDAY + timedelta(hours=2)):
        assert synced(source).output["outcome"] == "SUCCESS"
    assert len(server.asked) == 2 * 2  # two windows of which both pages are empty


SPAN = "updatedFrom=2026-03-02T00:00:00Z&updatedTo=2026-03-03T00:00:00Z"


def test_a_damage_that_stays_costs_one_release_and_is_said(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served()
    filled(server, 250, every=timedelta(minutes=1))
    source = source_at(server)
    server.next_faults = [damaged] * 3  # the first page, and its two more tries

    with clock.travel(to=MONDAY + timedelta(hours=5)):
        run = synced(source)

    assert len(stored(source)) == 249
    assert source.cursor_at == MONDAY
    assert (run.output["outcome"], run.output["failed_requests"]) == ("PARTIAL", 2)
    [problem] = run.output["problems"]
    assert problem.startswith("1 of the releases cannot be read, 99 can: ")
    [note] = TenderNote.objects.filter(code="body")
    assert note.text.startswith('What begins so cannot be read: {"ocid": "ocds-h6vhtk-000000"')

    with clock.travel(to=MONDAY + timedelta(hours=6)):  # it is mended
        assert synced(source).output["outcome"] == "SUCCESS"
    assert stored(source) == server.board.keys()


@pytest.mark.parametrize("fault", [fails(500), complains, truncates, damaged])
def test_a_passing_fault_is_tried_again(
    served: Serve, source_at: SourceAt, synced: Sync, fault: object
):
    server = served()
    filled(server, 150, every=timedelta(minutes=1))
    source = source_at(server)
    server.next_faults = [None, fault, fault]  # type: ignore[list-item]

    with clock.travel(to=MONDAY + timedelta(hours=5)):
        run = synced(source)

    assert (run.output["outcome"], run.output["failed_requests"]) == ("SUCCESS", 2)
    assert stored(source) == server.board.keys()


def test_a_lasting_fault_leaves_a_gap_and_later_windows_are_fetched(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served()
    filled(server, 48, every=timedelta(minutes=15))
    source = source_at(server, overlap_seconds=0)
    server.next_faults = [fails(500)] * 3  # the first window's only request, and its two more tries

    with clock.travel(to=MONDAY + timedelta(hours=12)):
        run = synced(source)

    assert run.output["outcome"] == "PARTIAL"
    gap = SyncWindow.objects.gaps().get()
    assert (gap.starts_at, gap.problem) == (MONDAY, "It answers 500.")
    assert source.cursor_at == MONDAY
    assert source.planned_until == MONDAY + timedelta(hours=12)
    assert len(stored(source)) == 25  # the second half, and what lies on the edge

    with clock.travel(to=MONDAY + timedelta(hours=12, minutes=30)):
        synced(source)
    assert stored(source) == server.board.keys()
    assert source.cursor_at == MONDAY + timedelta(hours=12, minutes=30)


def test_a_host_that_asks_to_wait_is_waited_for(served: Serve, source_at: SourceAt, synced: Sync):
    server = served("uk_contracts_finder")
    filled(server, 120, every=timedelta(minutes=1))
    source = source_at(server, "uk_contracts_finder")
    server.next_faults = [None, limits_by(403), limits_by(429, seconds=1)]

    with clock.travel(to=MONDAY + timedelta(hours=5)):
        run = synced(source)

    assert run.output["outcome"] == "SUCCESS"
    assert stored(source) == server.board.keys()
    assert [status for _, _, status in server.asked] == [200, 403, 429, 200]
    assert min(server.waits_after(403, 429)) >= 0.99


def test_an_unstable_list_is_completed_by_its_numbers(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served("za_etenders")
    assert isinstance(server, SouthAfrica)
    for number in range(344):
        if number != 200:  # a number that the source skipped
            at = MONDAY + timedelta(minutes=number)
            server.board.put(at, za_release(170_000 + number, at))
    server.hidden = {170_050, 170_100}
    server.broken = {170_100}
    source = source_at(server, "za_etenders")
    server.is_unstable = False
    with clock.travel(to=MONDAY + timedelta(minutes=30)):
        assert synced(source).output["problems"] == []
    server.is_unstable = True

    with clock.travel(to=MONDAY + timedelta(hours=12)):
        first = synced(source)

    [broken] = server.board.keys() - stored(source)
    assert broken[0] == "ocds-9t57fa-170100"
    assert first.output["problems"] == ["1 numbers could not be had, the first is 170100."]
    assert source.cursor_at == MONDAY + timedelta(minutes=30)
    absent = (
        AbsentNumber.objects.filter(number__range=(170_000, 170_343))
        .order_by("number")
        .values_list("number", "is_failure", "answer")
    )
    assert list(absent) == [
        (170_100, True, "It answers 500."),
        (170_200, False, "It has none."),
    ]

    for hours in (13, 14, 15, 16, 17):
        assert source.cursor_at == MONDAY + timedelta(minutes=30)
        with clock.travel(to=MONDAY + timedelta(hours=hours)):
            last = synced(source)
    assert last.output["outcome"] == "SUCCESS"  # six times in vain is believed
    assert source.cursor_at == MONDAY + timedelta(hours=17)


def test_days_without_a_notice_are_proven_by_the_numbers_on_both_sides(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served("za_etenders")
    holidays = timedelta(days=6)
    for number, at in ((170_000, MONDAY), (170_001, MONDAY), (170_003, MONDAY + holidays)):
        server.board.put(at, za_release(number, at))
    source = source_at(server, "za_etenders")
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)

    with clock.travel(to=MONDAY + timedelta(days=5)):
        run = synced(source)
    assert set(run.output["problems"]) == {
        "There is no release at all, which this source is not believed."
    }
    gap = source.cursor_at
    assert gap < MONDAY + timedelta(days=4)

    for hours in (2, 3):  # the first brings what comes behind the gap, the second sees it
        with clock.travel(to=MONDAY + holidays + timedelta(hours=hours)):
            run = synced(source)
    assert (run.output["outcome"], run.output["problems"]) == ("SUCCESS", [])
    assert source.cursor_at == MONDAY + holidays + timedelta(hours=3)
    assert stored(source) == server.board.keys()
    # 170002 lies between: it was asked for by itself, and is not there.
    assert AbsentNumber.objects.get(number=170_002).is_failure is False


def test_pages_are_kept_as_they_came(served: Serve, source_at: SourceAt, synced: Sync):
    server = served("uk_contracts_finder")
    filled(server, 3, every=timedelta(minutes=1))
    source = source_at(server, "uk_contracts_finder")

    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)

    page = SourcePage.objects.get()
    assert page.content.decode("iso-8859-1").count("£") == 3
    assert "£" in Tender.objects.first().description  # type: ignore[union-attr]
