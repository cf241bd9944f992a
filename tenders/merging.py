"""One compiled release per process, by the standard's rules and in an order that does not depend on arrival.

ocdsmerge sorts dates as strings, so that `2025-10-26T01:30:00+01:00` comes after `2025-10-26T01:10:00Z`, which is
later. Here releases are ordered by the moment that their date means, then by id, then by content, and handed over one
by one with their date in UTC. The rules are those of the release schema 1.1.5 that lies beside; extensions are never
fetched. https://standard.open-contracting.org/1.1/en/schema/merging/
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any

from ocdsmerge.exceptions import OCDSMergeError, OCDSMergeWarning
from ocdsmerge.merge import CompiledRelease
from ocdsmerge.rules import MergeRules, get_merge_rules

from tenders.moments import Moment, read_moment

#: What ocdsmerge raises where two releases say things of different kinds about one field.
MISFITS = (OCDSMergeError, TypeError, AttributeError, RecursionError)
NOTE_LENGTH = 500
SCHEMA = Path(__file__).parent / "shipped" / "ocds-1.1.5" / "release-schema.json"
#: Releases that no date orders come first: whatever is dated says more.
UNDATED = Moment(datetime.min.replace(tzinfo=UTC))

Release = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A release and what orders it. `digest` stands for its content, `text` is that where it was written already."""

    data: Release
    release_id: str
    digest: str
    moment: Moment | None
    text: str = field(default="", compare=False, repr=False)

    @property
    def order(self) -> tuple[Moment, str, str]:
        return (self.moment or UNDATED, self.release_id, self.digest)


@dataclass(slots=True)
class Compiled:
    """A process as it stands after all its releases, and what did not fit."""

    release: Release
    notes: list[str] = field(default_factory=list)


@cache
def rules() -> MergeRules:
    """Return the merge rules of OCDS 1.1.5."""
    return get_merge_rules(json.loads(SCHEMA.read_text()))


def compile_release(candidates: Iterable[Candidate]) -> Compiled:
    """Merge the releases of one process; one that does not fit those before it is left out, and noted."""
    ordered = sorted(candidates, key=attrgetter("order"))
    try:
        return _merged(ordered)
    except MISFITS:
        return _merged_one_by_one(ordered)


def _merged(ordered: Iterable[Candidate]) -> Compiled:
    merged = CompiledRelease(merge_rules=rules())
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", OCDSMergeWarning)
        for candidate in ordered:
            merged.append(_in_utc(candidate))
        release = merged.asdict()
    return Compiled(release, [str(warning.message)[:NOTE_LENGTH] for warning in heard])


def _merged_one_by_one(ordered: Iterable[Candidate]) -> Compiled:
    """Find the misfits: each release is tried on top of those that fitted."""
    fitting: list[Candidate] = []
    compiled, notes = Compiled({}), []
    for candidate in ordered:
        try:
            compiled = _merged([*fitting, candidate])
            fitting.append(candidate)
        except MISFITS as error:
            why = f"Release {candidate.release_id} does not fit and is left out: {error}"
            notes.append(why[:NOTE_LENGTH])
    compiled.notes += notes
    return compiled


def _in_utc(candidate: Candidate) -> Release:
    if candidate.moment is None:
        return candidate.data
    return {**candidate.data, "date": candidate.moment.text()}


def candidate_of(data: Release, *, release_id: str, digest: str, zone: tzinfo = UTC) -> Candidate:
    """Return a release with what orders it."""
    return Candidate(data, release_id, digest, read_moment(data.get("date"), zone=zone))
