"""Compiled releases are the standard's, and do not depend on the order in which releases came."""

from __future__ import annotations

import json
import warnings
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocdsmerge.merge import Merger

from tenders.alerts.wording import notice_url
from tenders.bodies import parse
from tenders.changes import changes_between
from tenders.differing import differences
from tenders.fields import fields_of, words_of
from tenders.merging import candidate_of, compile_release, rules
from tenders.packages import unwrap
from tenders.reading import DEEPEST, digest_of, read_releases

Shared = Callable[[str], Path]
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def compiled(releases: list[dict[str, Any]]) -> dict[str, Any]:
    return compile_release(
        candidate_of(each, release_id=str(each.get("id", "")), digest=digest_of(each))
        for each in releases
    ).release


def cases(shared_data: Shared, *folders: str) -> list[tuple[str, Any, Any]]:
    found = []
    for folder in folders:
        for path in sorted(shared_data(f"data/ocds/ocds-merge-cases/{folder}").glob("*.json")):
            expected = path.with_name(f"{path.stem}-compiled.json")
            if expected.exists():
                found.append(
                    (path.stem, json.loads(path.read_text()), json.loads(expected.read_text()))
                )
    return found


def test_the_official_cases_of_1_1_give_the_standard_s_results(shared_data: Shared):
    given_cases = cases(shared_data, "1.1")

    assert len(given_cases) == 17
    for name, releases, expected in given_cases:
        assert compiled(releases) == expected, name
        assert compiled(list(reversed(releases))) == expected, name


def test_the_standard_s_worked_example_gives_its_record(shared_data: Shared):
    folder = shared_data("data/ocds/fictional-example/1.1")
    packages = [json.loads(path.read_text()) for path in sorted(folder.glob("*00001-0*.json"))]
    releases = [release for package in packages for release in unwrap(package).releases]
    [record] = (folder / "record").glob("*1.json")
    [expected] = json.loads(record.read_text())["records"]

    own = compiled(releases)

    assert len(releases) == 6
    wanted = expected["compiledRelease"]
    differing = {k for k in own if k not in ("id", "date") and own[k] != wanted.get(k)}
    plain = Merger(merge_rules=rules()).create_compiled_release(releases)
    assert own == plain
    assert differing <= {"parties", "tag"}  # the published record was compiled with extensions


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("uk-contracts-finder-2025/releases_2025.json", 201),
        ("sell2wales_2025/releases_2025.json", 90),
        ("kingfisher-process/portugal_base_release_packages_array.json", 100),
    ],
)
def test_real_files_give_the_same_as_the_standard_s_own_library(
    shared_data: Shared, name: str, count: int
):
    body = parse(shared_data(f"data/ocds/{name}").read_bytes())
    reading = read_releases(unwrap(body.data).releases, zone=UTC, now=NOW)
    assert (len(reading.candidates), reading.notes) == (count, [])

    by_ocid: dict[str, list[Any]] = defaultdict(list)
    for (ocid, _), candidate in reading.candidates.items():
        by_ocid[ocid].append(candidate)
    merger = Merger(merge_rules=rules())
    for candidates in by_ocid.values():
        in_utc = [{**c.data, "date": c.moment.text()} for c in candidates if c.moment]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one real release names a party twice
            expected = merger.create_compiled_release(in_utc)
        assert compile_release(candidates).release == expected
        assert compile_release(reversed(candidates)).release == compile_release(candidates).release


def test_dates_are_compared_as_moments_and_not_as_texts():
    older = {
        "ocid": "o",
        "id": "1",
        "date": "2025-10-26T01:30:00+01:00",
        "tender": {"status": "planned"},
    }
    newer = {"ocid": "o", "id": "2", "date": "2025-10-26T01:10:00Z", "tender": {"status": "active"}}

    merged = compiled([newer, older])

    assert merged["tender"]["status"] == "active"
    assert merged["date"] == "2025-10-26T01:10:00Z"
    assert Merger(merge_rules=rules()).create_compiled_release([older, newer])["tender"] == {
        "status": "planned"
    }  # what the library makes of it by itself


def test_fractions_of_a_second_order_to_the_last_digit():
    first = {
        "ocid": "o",
        "id": "b",
        "date": "2019-11-25T17:20:38.1197051Z",
        "tender": {"title": "1"},
    }
    second = {
        "ocid": "o",
        "id": "a",
        "date": "2019-11-25T17:20:38.1197059Z",
        "tender": {"title": "2"},
    }

    assert compiled([second, first])["tender"]["title"] == "2"
    assert compiled([second, first])["date"] == "2019-11-25T17:20:38.1197059Z"


def test_a_release_that_does_not_fit_is_left_out_and_noted():
    releases = [
        {"ocid": "o", "id": "1", "date": "2025-01-01T00:00:00Z", "tender": {"title": "Bridge"}},
        {"ocid": "o", "id": "2", "date": "2025-01-02T00:00:00Z", "tender": {"title": {"en": "x"}}},
        {"ocid": "o", "id": "3", "date": "2025-01-03T00:00:00Z", "tender": {"status": "active"}},
    ]

    made = compile_release(
        candidate_of(each, release_id=each["id"], digest=digest_of(each)) for each in releases
    )

    assert made.release["tender"] == {"title": "Bridge", "status": "active"}
    assert len(made.notes) == 1
    assert made.notes[0].startswith("Release 2 does not fit and is left out: ")


# --- properties ------------------------------------------------------------------------------------

ZONES = ("Z", "+00:00", "+01:00", "-05:30", "")
WORDS = st.sampled_from(["a", "b", "c"])
ITEMS = st.lists(
    st.fixed_dictionaries(
        {"id": WORDS}, optional={"description": WORDS, "quantity": st.integers(0, 9)}
    ),
    max_size=3,
    unique_by=lambda item: item["id"],
)
TENDERS = st.fixed_dictionaries(
    {},
    optional={
        "title": st.none() | WORDS,
        "status": WORDS,
        "items": ITEMS,
        "submissionMethod": st.lists(WORDS, max_size=2),
        "value": st.fixed_dictionaries({"amount": st.integers(0, 9)}),
    },
)
RELEASES = st.lists(
    st.builds(
        lambda number, minute, zone, tender: {
            "ocid": "ocds-1",
            "id": str(number),
            "date": f"2025-10-26T0{minute // 60}:{minute % 60:02}:00{zone}",
            "tender": tender,
        },
        st.integers(0, 3),
        st.integers(0, 200),
        st.sampled_from(ZONES),
        TENDERS,
    ),
    min_size=1,
    max_size=6,
)


@given(releases=RELEASES, chance=st.randoms(use_true_random=False))
def test_the_order_of_arrival_and_repetition_change_nothing(releases: list[Any], chance: Any):
    def read(batch: list[Any]) -> list[Any]:
        return list(read_releases(batch, zone=UTC, now=NOW).candidates.values())

    shuffled = releases * 2
    chance.shuffle(shuffled)

    assert compile_release(read(shuffled)) == compile_release(read(releases))


#: Whatever a publisher may write under the standard's names.
NAMES = st.sampled_from(
    [
        "id",
        "tender",
        "tag",
        "date",
        "buyer",
        "parties",
        "roles",
        "name",
        "awards",
        "status",
        "items",
        "lots",
        "documents",
        "value",
        "amount",
        "currency",
        "planning",
        "classification",
        "additionalClassifications",
        "scheme",
        "tenderPeriod",
        "startDate",
        "endDate",
        "deliveryAddresses",
        "region",
        "url",
        "contracts",
        "suppliers",
        "title",
        "description",
        "procuringEntity",
        "mainProcurementCategory",
        "dateModified",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
ODD = st.builds(
    lambda members, tender: {**members, "tender": tender, "ocid": "ocds-1"},
    st.dictionaries(NAMES, ANYTHING, max_size=6),
    st.dictionaries(NAMES, ANYTHING, max_size=6) | ANYTHING,
)


@given(releases=st.lists(ODD, min_size=1, max_size=3))
def test_no_shape_of_a_release_stops_anything(releases: list[Any]):
    reading = read_releases(releases, zone=UTC, now=NOW)
    candidates = list(reading.candidates.values())

    before, after = compile_release(candidates[:1]).release, compile_release(candidates).release
    old, new = fields_of(before), fields_of(after)
    changes_between(old, before, new, after)
    words_of(new, ocid="ocds-1", detailed_category="")
    notice_url(after)
    differences(before, after)


def test_a_release_that_is_nested_too_deeply_is_noted_and_the_others_kept():
    deep: Any = {}
    for _ in range(DEEPEST):
        deep = {"a": [deep]}
    releases = [{"ocid": "o-1", "id": "1", "tender": deep}, {"ocid": "o-2", "id": "1"}]

    reading = read_releases(releases, zone=UTC, now=NOW)

    assert [ocid for ocid, _ in reading.candidates] == ["o-2"]
    assert ("too_deep", "o-1") in [(note.code, note.ocid) for note in reading.notes]
