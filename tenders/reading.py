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
        reading.take(ocid, _candidate(release, ocid, zone=zone, now=now, notes=reading.notes))
    return reading


def _ocid_of(release: Any) -> str | None:
    ocid = release.get("ocid") if isinstance(release, dict) else None
    if not isinstance(ocid, str) or not 0 < len(ocid.strip()) <= ID_LENGTH:
        return None
    return ocid.strip()


def _candidate(
    release: dict[str, Any], ocid: str, *, zone: tzinfo, now: datetime, notes: list[Note]
) -> Candidate:
    digest = digest_of(release)
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
    return Candidate(release, str(release_id), digest, moment)


def digest_of(data: Any) -> str:
    """Return the SHA-256 of the canonical form of some JSON."""
    return hashlib.sha256(canonical(data)).hexdigest()


def canonical(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        errors="surrogatepass"
    )


def _begin(release: Any) -> str:
    return json.dumps(release, ensure_ascii=False)[:120]
