"""How politely a host is asked, and what it may say about that."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tenders import paging
from tenders.asking import LONGEST_WAIT, AskFailed, Manners, MustWait, ask, ask_in_turn, retry_after
from tenders.models import TenderSource
from tests.fakes.tender_sources import TenderServer, fails, limits_by
from tests.tenders.conftest import MONDAY

Serve = Callable[..., TenderServer]
BRISK = Manners(interval_seconds=0.05, wait_seconds=2)


def address(server: TenderServer) -> str:
    return f"{server.list_url}?updatedFrom=2026-03-01T00:00:00Z&updatedTo=2026-03-02T00:00:00Z"


def test_who_asks_too_soon_asks_nobody(db: None, served: Serve):
    server = served()
    ask(address(server), BRISK)

    with pytest.raises(MustWait) as wait:
        ask(address(server), BRISK)

    assert 0 < wait.value.seconds <= 0.05
    assert not wait.value.was_told
    assert len(server.asked) == 1
    ask_in_turn(address(server), BRISK)
    assert server.least_distance() >= 0.03


@pytest.mark.parametrize(
    ("fault", "least", "most"),
    [
        (limits_by(429, seconds=7), 6.5, 7),
        (limits_by(503), 1.5, 2),
    ],
)
def test_a_wait_is_kept_for_everybody(
    db: None, served: Serve, fault: object, least: float, most: float
):
    server = served()
    server.next_faults = [fault]  # type: ignore[list-item]
    with pytest.raises(MustWait) as told:
        ask(address(server), BRISK)
    with pytest.raises(MustWait) as later:
        ask(address(server), BRISK)

    assert told.value.was_told
    assert not later.value.was_told
    assert least <= later.value.seconds <= most
    assert len(server.asked) == 1


def test_an_answer_that_is_none_says_its_status(db: None, served: Serve):
    server = served()
    server.next_faults = [fails(500)]

    with pytest.raises(AskFailed, match="It answers 500.") as failure:
        ask(address(server), BRISK)

    assert failure.value.status == 500


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("120", 120),
        ("99999999", LONGEST_WAIT),
        ("-5", 0),
        ("soon", 0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Fri, 21 Oct 2095 07:28:00 GMT", LONGEST_WAIT),
    ],
)
def test_a_wait_is_read_in_every_form(text: str, seconds: float):
    assert retry_after({"retry-after": text}) == seconds


def test_a_wait_until_a_date_is_real_time():
    text = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)

    start = time.monotonic()
    assert 85 < retry_after({"retry-after": text}) + (time.monotonic() - start) <= 91


# --- from page to page -------------------------------------------------------------------------------


def test_the_first_page_is_asked_for_with_the_overlap(source_row: TenderSource):
    url = paging.first_url(source_row, start=MONDAY, end=MONDAY + timedelta(minutes=30))

    assert url == (
        "https://www.find-tender.service.gov.uk/api/1.0/ocdsReleasePackages"
        "?updatedFrom=2026-03-02T11%3A00%3A00Z&updatedTo=2026-03-02T12%3A30%3A00Z&limit=100"
    )


@pytest.mark.parametrize(
    ("named", "following"),
    [
        ("", ""),
        (
            "?cursor=2",
            "https://www.find-tender.service.gov.uk/api/1.0/ocdsReleasePackages?cursor=2",
        ),
        (
            "http://www.find-tender.service.gov.uk/p?c=2#x",
            "https://www.find-tender.service.gov.uk/p?c=2",
        ),
    ],
)
def test_a_link_is_followed_on_the_source_s_own_host(
    source_row: TenderSource, named: str, following: str
):
    assert paging.next_url(source_row, url=source_row.url, named=named, count=100) == following


@pytest.mark.parametrize(
    "named", ["https://evil.example/p", "//169.254.169.254/latest", "https://x@evil.example/"]
)
def test_a_link_to_another_host_is_not_followed(source_row: TenderSource, named: str):
    with pytest.raises(paging.BadLink, match="which is another host"):
        paging.next_url(source_row, url=source_row.url, named=named, count=100)
