"""A week of each source, with every fault that it is known for: all is stored, and no cursor passes a gap."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from core import clock
from jobs.models import Run
from tenders.models import OcdsRelease, SyncWindow, Tender, TenderSource
from tests.fakes.notices import uk_release, za_release
from tests.fakes.tender_sources import (
    HARMLESS,
    Fault,
    SouthAfrica,
    TenderServer,
    complains,
    cuts_off,
    doubled,
    fails,
    is_down,
    limits_by,
    truncates,
    without_link,
)
from tests.tenders.conftest import MONDAY

Serve = Callable[..., TenderServer]
SourceAt = Callable[..., TenderSource]
Sync = Callable[..., Run]

WEEK = timedelta(days=7)
SYNC_EVERY = timedelta(hours=6)
#: The distance between requests that the sources ask for here, in seconds of the real clock.
INTERVAL = 0.01
FAULTS: dict[str, tuple[Fault, ...]] = {
    "uk_find_a_tender": (
        *HARMLESS,
        fails(500),
        is_down,
        complains,
        cuts_off,
        truncates,
        without_link,
        limits_by(429, seconds=1),
    ),
    "uk_contracts_finder": (*HARMLESS, fails(502), complains, truncates, cuts_off, limits_by(403)),
    "za_etenders": (doubled, fails(503), fails(500), complains, truncates, cuts_off, is_down),
}


def publish_a_week(server: TenderServer, *, chance: random.Random) -> None:
    """Put 400 processes on the board, and later releases of half of them."""
    for number in range(400):
        at = MONDAY + WEEK * chance.random()
        if isinstance(server, SouthAfrica):
            continue
        server.board.put(at, uk_release(number, at))
        for stage in (2, 3):
            at += timedelta(hours=chance.uniform(0.1, 60))
            if chance.random() < 0.5 and at < MONDAY + WEEK:
                server.board.put(at, uk_release(number, at, stage=stage))
    if isinstance(server, SouthAfrica):
        for number, share in enumerate(sorted(chance.random() for _ in range(90))):
            at = MONDAY + WEEK * share
            server.board.put(at, za_release(170_000 + number, at))
            if chance.random() < 0.1:
                server.hidden.add(170_000 + number)


def stored(source: TenderSource) -> set[tuple[str, str]]:
    return set(OcdsRelease.objects.filter(source=source).values_list("ocid", "release_id"))


@pytest.mark.parametrize("key", sorted(FAULTS))
def test_a_week_of_faults_loses_nothing(served: Serve, source_at: SourceAt, synced: Sync, key: str):
    server = served(key, seed=7)
    chance = random.Random(11)
    publish_a_week(server, chance=chance)
    server.faults, server.fault_rate = FAULTS[key], 0.3
    waits = {"limit_statuses": [403, 429]} if key == "uk_contracts_finder" else {}
    source = source_at(
        server, key, interval_seconds=INTERVAL, retry_seconds=[0, 0], wait_seconds=1, **waits
    )
    if key == "za_etenders":
        TenderSource.objects.filter(pk=source.pk).update(limit_statuses=[429])
    outcomes: list[str] = []

    now = MONDAY
    while now < MONDAY + WEEK:
        now += SYNC_EVERY
        # For ten hours everything is down.
        is_out = timedelta(hours=50) < now - MONDAY <= timedelta(hours=60)
        server.next_faults = [is_down] * 500 if is_out else []
        with clock.travel(to=now):
            run = synced(source)
        assert run.output is not None
        outcomes.append(run.output["outcome"])
        assert_no_gap_is_passed(server, source)

    server.fault_rate = 0.0
    for hours in (1, 2, 3):
        with clock.travel(to=now + timedelta(hours=hours)):
            last = synced(source)
    assert last.output is not None
    assert (last.output["outcome"], last.output["problems"]) == ("SUCCESS", [])
    assert stored(source) == server.board.keys()
    assert source.cursor_at == now + timedelta(hours=3)
    assert not SyncWindow.objects.gaps().exists()
    assert Tender.objects.count() == len({ocid for ocid, _ in stored(source)})
    assert "FAILED" in outcomes
    assert server.requests_within(INTERVAL * 20) <= 22
    assert min(server.waits_after(403, 429), default=1.0) >= 0.95


def assert_no_gap_is_passed(server: TenderServer, source: TenderSource) -> None:
    """Everything that was out before the cursor is stored, save what no list shows and no number leads to yet."""
    hidden = getattr(server, "hidden", set())
    newest = (
        max((int(t.ocid.rsplit("-", 1)[1], 10) for t in source.tenders.all()), default=0)
        if hidden
        else 0
    )
    out = {
        notice.key
        for notice in server.board.notices
        if notice.at < source.cursor_at
        and not (hidden and int(notice.release["ocid"].rsplit("-", 1)[1]) > newest)
    }
    assert out <= stored(source)


def test_nobody_is_asked_faster_by_two_sources_of_one_host(
    served: Serve, source_at: SourceAt, synced: Sync
):
    server = served()
    for number in range(250):
        at = MONDAY + timedelta(minutes=number)
        server.board.put(at, uk_release(number, at))
    first = source_at(server, interval_seconds=0.05)
    second = source_at(
        server,
        "uk_contracts_finder",
        interval_seconds=0.05,
        from_param="updatedFrom",
        to_param="updatedTo",
    )

    with clock.travel(to=MONDAY + timedelta(hours=6)):
        synced(first)
        synced(second)

    assert len(server.asked) == 6
    assert server.requests_within(0.19) <= 4
