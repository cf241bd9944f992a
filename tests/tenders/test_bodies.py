"""What publishers do to JSON is read as far as it can be, and what was lost is said."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tenders.actions.installing import shipped_sources
from tenders.bodies import BadBody, parse
from tenders.fixups import release_mender
from tenders.packages import Package, unwrap

ONE = {"version": "1.1", "releases": [{"ocid": "o-1", "id": "1", "title": "Café £5"}]}
TEXT = json.dumps(ONE, ensure_ascii=False)


@pytest.mark.parametrize(
    ("content", "notes"),
    [
        (TEXT.encode(), []),
        (b"\xef\xbb\xbf" + TEXT.encode(), []),
        (TEXT.encode("utf-16"), []),
        (TEXT.encode("iso-8859-1"), ["The answer is not UTF-8; it is read as iso-8859-1."]),
    ],
)
def test_encodings(content: bytes, notes: list[str]):
    body = parse(content)

    assert (body.data, body.notes, body.is_cut) == (ONE, notes, False)


def test_numbers_that_no_machine_holds_are_left_out():
    body = parse(b'{"a": 1e9999, "b": -Infinity, "c": NaN, "d": 1.5, "e": ' + b"9" * 400 + b"}")

    assert body.data == {"a": None, "b": None, "c": None, "d": 1.5, "e": None}
    assert body.notes == ["4 numbers are too large or no numbers; they are left out."]


def test_characters_that_no_database_keeps_are_left_out():
    body = parse(b'{"a\\u0000": ["x\\u0000y", "\\ud800", "\\ud83d\\ude00"]}')

    assert body.data == {"a": ["xy", "", "😀"]}
    assert body.notes == ["Characters that cannot be kept are left out."]
    assert parse(b'{"a": "x\0y"}').data == {"a": "xy"}


def test_known_faults_are_mended_where_the_answer_is_no_json_as_it_is():
    fixups = [{"replace": r"(:\s*)0+(?=\d)", "by": r"\1"}]

    assert parse(b'{"a": 000, "b": "x: 007"}', fixups=fixups).data == {"a": 0, "b": "x: 7"}
    assert parse(b'{"a": 0, "b": "x: 007"}', fixups=fixups).data == {"a": 0, "b": "x: 007"}


@pytest.mark.parametrize("end", range(70, 130, 7))
def test_what_stands_whole_before_a_break_is_kept(end: int):
    whole = json.dumps({"releases": [{"ocid": f"o-{n}", "id": "1"} for n in range(5)]})

    body = parse(whole[:end].encode())

    assert body.is_cut
    assert body.data["releases"] == json.loads(whole)["releases"][: (end - 14) // 28]
    assert body.notes[-1].endswith(f"{len(body.data['releases'])} releases before that are whole.")


def test_the_shipped_mending_touches_no_moment():
    [row] = [row for row in shipped_sources() if row["key"] == "uk_find_a_tender"]

    body = parse(b'{"amount": 000, "date": "2026-03-02T01:05:00Z"}', fixups=row["fixups"])

    assert body.data == {"amount": 0, "date": "2026-03-02T01:05:00Z"}


SIX = [{"ocid": f"o-{n}", "id": "1", "items": [{"id": "a"}, {"id": "b"}]} for n in range(6)]
WHOLE = json.dumps({"uri": "u", "releases": SIX, "links": {"next": "/p2"}, "version": "1.1"})


@pytest.mark.parametrize(
    "broken", [(0,), (2,), (5,), (1, 4), (2, 3)], ids=lambda broken: "-".join(map(str, broken))
)
def test_what_stands_whole_around_a_damage_is_kept_with_the_way_on(broken: tuple[int, ...]):
    text = WHOLE
    for number in broken:
        text = text.replace(f'"o-{number}", "id": "1"', f'"o-{number}", "id": "a "b" c"')

    body = parse(text.encode())

    kept = [each for number, each in enumerate(SIX) if number not in broken]
    assert body.data == {"uri": "u", "releases": kept, "links": {"next": "/p2"}, "version": "1.1"}
    assert not body.is_cut
    # Two that lie side by side are one place that cannot be read.
    places = 1 if broken == (2, 3) else len(broken)
    assert body.damage.startswith(f"{places} of the releases cannot be read, {len(kept)} can: ")
    assert [note.split("{")[0] for note in body.notes] == [
        "What begins so cannot be read: "
    ] * places


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "The answer is not JSON: it begins with ''."),
        (b"<html>Busy</html>", "The answer is not JSON: it begins with '<html>Busy</html>'."),
        (b'"text"', "The answer is not JSON: it begins with '\"text\"'."),
        (b'{"releases": [', "The answer is not JSON: "),
        (b"[" * 100_000, "The answer is not JSON: "),
    ],
)
def test_what_is_no_json_says_so(content: bytes, why: str):
    with pytest.raises(BadBody) as refusal:
        parse(content)

    assert str(refusal.value).startswith(why)


R = {"ocid": "o", "id": "1"}


@pytest.mark.parametrize(
    ("data", "package"),
    [
        ({"version": "1.1", "releases": [R]}, Package([R])),
        ([{"releases": [R]}, {"releases": [R]}], Package([R, R])),
        ({"releases": [R], "links": {"next": "/p2"}}, Package([R], "/p2")),
        ({"releases": [R], "links": [{"prev": "/p0"}, {"next": "/p2"}]}, Package([R], "/p2")),
        ({"releases": [R], "links": {"next": {"href": "/p2"}}}, Package([R], "/p2")),
        ({"releases": [R], "links": {"next": None}}, Package([R])),
        ({"records": [{"ocid": "o", "releases": [R]}]}, Package([R])),
        ({"records": [{"releases": [{"url": "http://x"}], "compiledRelease": R}]}, Package([R])),
        (R, Package([R])),
        ({"version": "1.1", "publishedDate": "2026"}, Package([])),
    ],
)
def test_releases_are_found_in_whatever_they_are_wrapped(data: Any, package: Package):
    assert unwrap(data) == package


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"error": "too many"}, "The answer says: too many"),
        ({"message": "API failure", "statusCode": 500}, "The answer says: API failure"),
        ({"foo": 1}, "The answer has no releases; it has foo."),
        ({}, "The answer has no releases; it has nothing."),
        (["x"], "The answer holds str in place of a package."),
    ],
)
def test_an_answer_that_is_no_package_says_so(data: Any, why: str):
    with pytest.raises(BadBody) as refusal:
        unwrap(data)

    assert str(refusal.value) == why
    assert unwrap({}, or_none=True) == Package([])


def test_fifty_megabytes_are_read_within_seconds():
    release = {"ocid": "o", "id": "1", "tender": {"description": "x" * 5_000}}
    content = json.dumps({"version": "1.1", "releases": [release] * 10_000}).encode()
    assert len(content) > 50_000_000

    start = time.process_time()
    assert len(unwrap(parse(content).data).releases) == 10_000
    assert time.process_time() - start < 10


def test_members_are_renamed_and_dropped_wherever_their_path_leads():
    release = {
        "tender": {"items": [{"classifications": 1}, {"classification": 2, "classifications": 3}]},
        "internal": "x",
    }

    mend = release_mender(
        [{"rename": "tender.items.classifications", "to": "classification"}, {"drop": "internal"}]
    )
    mend(release)

    assert release == {"tender": {"items": [{"classification": 1}, {"classification": 2}]}}
