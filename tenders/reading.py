"""Releases of one answer, each checked by itself: one that cannot be kept is noted, and the others are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from tenders.merging import Candidate
from tenders.moments import is_absurd, read_moment

ID_LENGTH = 200
#: Real releases are nested nine deep; merging and comparing go down by recursion.
DEEPEST = 80
NESTS = (dict, list)


@dataclass(frozen=True, slots=True)
class Note:
    """Something amiss with a release: a stable code, and words for people."""

    code: str
    text: str
    ocid: str = ""


@dataclass(slots=True)
class Reading:
    """What came of an answer's releases; each content is there once."""

    candidates: dict[tuple[str, str], Candidate] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def take(self, ocid: str, candidate: Candidate) -> None:
        """Keep a release; one that comes again counts where it came last."""
        self.candidates.pop((ocid, candidate.digest), None)
        self.candidates[ocid, candidate.digest] = candidate


def read_releases(releases: Iterable[Any], *, zone: tzinfo, now: datetime) -> Reading:
    """Return the releases that can be kept, and notes on what is amiss."""
    reading = Reading()
    for place, release in enumerate(releases, 1):
        ocid = _ocid_of(release)
        if ocid is None:
            reading.notes.append(
                Note("no_ocid", f"Release {place} of its page has no ocid: {_begin(release)}")
            )
            continue
        text = _text_of(release)
        if not text:
            reading.notes.append(
                Note("too_deep", f"A release is nested more than {DEEPEST} deep.", ocid)
            )
            continue
        reading.take(ocid, _candidate(release, text, ocid, zone=zone, now=now, notes=reading.notes))
    return reading


def _ocid_of(release: Any) -> str | None:
    ocid = release.get("ocid") if isinstance(release, dict) else None
    if not isinstance(ocid, str) or not 0 < len(ocid.strip()) <= ID_LENGTH:
        return None
    return ocid.strip()


def _text_of(release: dict[str, Any]) -> str:
    """Return a release as one text; nothing where it is nested deeper than can be worked with."""
    try:
        text = canonical(release)
    except RecursionError:
        return ""
    may_be_deep = text.count("{") + text.count("[") > DEEPEST
    return "" if may_be_deep and is_too_deep(release) else text


def is_too_deep(data: Any) -> bool:
    """Whether some JSON is nested deeper than can be worked with."""
    level = [data]
    for _ in range(DEEPEST):
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, NESTS)
        ]
        if not level:
            return False
    return True


def _candidate(
    release: dict[str, Any],
    text: str,
    ocid: str,
    *,
    zone: tzinfo,
    now: datetime,
    notes: list[Note],
) -> Candidate:
    digest = digest_of_text(text)
    release_id = release.get("id")
    if not isinstance(release_id, str | int) or not 0 < len(str(release_id)) <= ID_LENGTH:
        notes.append(
            Note("no_id", f"A release has no usable id; it is known by {digest[:16]}.", ocid)
        )
        release_id = digest[:16]
    moment = read_moment(release.get("date"), zone=zone)
    if moment is None or is_absurd(moment, now=now):
        said = str(release.get("date"))[:40]
        notes.append(
            Note(
                "bad_date",
                f"Release {release_id} is dated {said!r}: it orders before others.",
                ocid,
            )
        )
        moment = None
    return Candidate(release, str(release_id), digest, moment, text)


def digest_of(data: Any) -> str:
    """Return the SHA-256 of the canonical form of some JSON."""
    return digest_of_text(canonical(data))


def digest_of_text(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def canonical(data: Any) -> str:
    """Return JSON as one text, whatever the order of its members."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _begin(release: Any) -> str:
    return json.dumps(release, ensure_ascii=False)[:120]
