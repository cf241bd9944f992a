"""How a tender came to be what it is: after each release, in the order in which we learned, what that changed."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

from tenders.differing import Difference, differences
from tenders.fixups import release_mender
from tenders.merging import Candidate, candidate_of, compile_release
from tenders.models import OcdsRelease, Tender, TenderSource

#: A page shows the last of them; a process with more is rare, and each costs a merge of all before it.
MOST = 30


@dataclass(frozen=True)
class Version:
    """A release, and what it changed of the compiled one."""

    release: OcdsRelease
    number: int
    differences: Sequence[Difference]


def versions(tender: Tender) -> list[Version]:
    """Return the last releases of a tender, the newest first, each with what it changed."""
    rows = list(
        OcdsRelease.objects.filter(source=tender.source, ocid=tender.ocid).order_by(
            "revised_at", "pk"
        )
    )
    candidates = [_candidate(row, tender.source) for row in rows]
    start = max(len(rows) - MOST, 0)
    before = _compiled(candidates[:start], tender.source)
    found = []
    for number in range(start, len(rows)):
        after = _compiled(candidates[: number + 1], tender.source)
        found.append(Version(rows[number], number + 1, differences(before, after)))
        before = after
    return found[::-1]


def _candidate(row: OcdsRelease, source: TenderSource) -> Candidate:
    data = deepcopy(row.data)
    release_mender(source.fixups)(data)
    made = candidate_of(data, release_id=row.release_id, digest=row.digest, zone=source.zone)
    return made if row.released_at else Candidate(data, row.release_id, row.digest, None)


def _compiled(candidates: Sequence[Candidate], source: TenderSource) -> dict[str, object]:
    counting = candidates
    if source.edits_in_place:  # of one that was edited, what was seen last
        counting = list({(each.release_id, each.moment): each for each in candidates}.values())
    return compile_release(counting).release if counting else {}
