"""What is saved depends on what was published, and not on when and how often it came."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import clock
from tenders.models import OcdsRelease, Tender, TenderEvent, TenderNote, TenderSource
from tenders.planning import locked
from tenders.reading import read_releases
from tenders.saving import Saved, save_notes, save_releases
from tests.fakes.notices import uk_release, za_release
from tests.tenders.conftest import MONDAY

Save = Callable[..., Saved]


@pytest.fixture
def source(source_row: TenderSource) -> TenderSource:
    return source_row


def save(source: TenderSource, releases: list[Any], *, is_news: bool = True) -> Saved:
    reading = read_releases(releases, zone=source.zone, now=clock.now())
    with transaction.atomic():
        held = locked(source)
        saved = save_releases(held, reading.candidates, is_news=is_news)
        saved.notes += save_notes(held, reading.notes, window=None)
    return saved


def kinds() -> list[str]:
    return list(TenderEvent.objects.order_by("pk").values_list("kind", flat=True))


def test_a_tender_tells_what_its_releases_say_together(source: TenderSource):
    save(source, [uk_release(7, MONDAY), uk_release(7, MONDAY + timedelta(days=1), stage=2)])

    tender = Tender.objects.get()
    assert (tender.ocid, tender.release_count) == ("ocds-h6vhtk-000007", 2)
    assert tender.title == "Road maintenance and cleaning, lot 7"
    assert (tender.buyer, tender.region, tender.category) == (
        "Council of Ward 7",
        "UK7",
        "services",
    )
    assert (str(tender.value), tender.currency) == ("1007.50", "GBP")
    assert (tender.codes, tender.phase) == (["45000007"], "tender")
    assert tender.closes_at == MONDAY + timedelta(days=23)
    assert tender.released_at == MONDAY + timedelta(days=1)
    assert tender.compiled["tag"] == ["compiled"]
    assert " road maintenance and cleaning lot 7 council of ward 7 " in tender.words
    assert tender.words.endswith(" cpv45000007 ")


def test_changes_are_told_by_kind(source: TenderSource):
    save(source, [uk_release(7, MONDAY)])
    save(source, [uk_release(7, MONDAY + timedelta(days=1), stage=2)])
    save(source, [uk_release(7, MONDAY + timedelta(days=2), stage=3)])

    assert kinds() == ["new", "deadline", "awarded", "deadline"]
    moved = TenderEvent.objects.filter(kind="deadline").last()
    assert moved is not None
    assert (moved.before, moved.after) == ("2026-03-23T12:00:00+00:00", "2026-03-25T12:00:00+00:00")
    assert TenderEvent.objects.get(kind="awarded").after == ["Acme Ltd"]


def test_what_came_before_changes_nothing(source: TenderSource):
    releases = [uk_release(7, MONDAY), uk_release(7, MONDAY + timedelta(days=1), stage=2)]
    save(source, releases)
    before = list(Tender.objects.values())

    again = save(source, releases[:1] * 2)

    assert (again.new, again.changed, again.events) == (0, [], 0)
    assert list(Tender.objects.values()) == before


def test_a_source_that_edits_in_place_shows_what_was_seen_last(source: TenderSource):
    TenderSource.objects.filter(pk=source.pk).update(edits_in_place=True)
    first, second = za_release(1, MONDAY), za_release(1, MONDAY, closes_in=30)
    assert (first["id"], first["date"]) == (second["id"], second["date"])

    for release, days in ((first, 21), (second, 30), (first, 21), (second, 30)):
        with clock.travel(by=timedelta(minutes=1)):
            save(source, [release])
        closes = Tender.objects.get().closes_at
        assert closes == MONDAY.replace(hour=11) + timedelta(days=days)
    assert OcdsRelease.objects.count() == 2
    assert kinds() == ["new", "deadline", "deadline", "deadline"]


def test_known_faults_are_mended_for_the_compiled_release_alone(source: TenderSource):
    fixups = [{"rename": "tender.classifications", "to": "classification"}]
    TenderSource.objects.filter(pk=source.pk).update(fixups=fixups)
    release = za_release(1, MONDAY)
    release["tender"]["classifications"] = {"scheme": "CPV", "id": "45211000"}

    save(source, [release])

    assert Tender.objects.get().codes == ["45211000"]
    assert OcdsRelease.objects.get().data == release


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    order=st.permutations(range(9)),
    cuts=st.lists(st.integers(0, 9), max_size=3),
    repeated=st.integers(0, 9),
)
def test_the_order_of_arrival_and_repeated_windows_change_nothing(
    source: TenderSource, order: list[int], cuts: list[int], repeated: int
):
    published = [
        uk_release(number, MONDAY + timedelta(hours=12 * stage), stage=stage)
        for number in range(3)
        for stage in (1, 2, 3)
    ]
    expected = saved_as(source, [published])
    arriving = [published[place] for place in order]
    edges = sorted({0, *cuts, 9})
    windows = [arriving[a:b] for a, b in zip(edges, edges[1:], strict=False)]

    assert saved_as(source, [*windows, arriving[:repeated]]) == expected


def saved_as(source: TenderSource, windows: list[list[Any]]) -> list[Any]:
    """Save windows one by one; return the tenders, and leave nothing behind."""
    point = transaction.savepoint()
    for window in windows:
        save(source, window)
    columns = (
        "ocid",
        "compiled",
        "digest",
        "release_count",
        "title",
        "closes_at",
        "phase",
        "words",
    )
    rows = list(Tender.objects.order_by("ocid").values_list(*columns))
    rows += list(OcdsRelease.objects.order_by("digest").values_list("ocid", "digest"))
    transaction.savepoint_rollback(point)
    return rows


def test_what_is_amiss_is_noted_once_and_the_rest_kept(source: TenderSource):
    good = uk_release(7, MONDAY)
    releases = [
        {**good, "ocid": None},
        {"id": "1"},
        "nonsense",
        {**uk_release(8, MONDAY), "id": None},
        {**uk_release(9, MONDAY), "date": "the day after"},
        {**uk_release(10, MONDAY), "date": "9999-12-31T23:59:59Z"},
        {**uk_release(11, MONDAY), "date": "0001-01-01T00:00:00Z"},
        good,
    ]

    for _ in range(2):
        save(source, releases)

    assert sorted(TenderNote.objects.values_list("code", flat=True)) == (
        ["bad_date"] * 3 + ["no_id"] + ["no_ocid"] * 3
    )
    assert sorted(Tender.objects.values_list("ocid", flat=True)) == [
        f"ocds-h6vhtk-{number:06x}" for number in (7, 8, 9, 10, 11)
    ]
    assert OcdsRelease.objects.filter(released_at=None).count() == 3
