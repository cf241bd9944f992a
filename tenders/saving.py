"""Releases into the database: each content once, one compiled release per process, and what that changed.

Written in chunks, in the caller's transaction, which holds the source: whoever compiles a process sees all of it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields
from datetime import timedelta
from operator import itemgetter
from typing import Any

from core import clock
from core.bulk import JsonText, insert_missing_rows, insert_rows, update_rows
from core.ids import uuid7
from tenders.changes import Change, changes_between
from tenders.fields import Fields, fields_of, words_of
from tenders.fixups import release_mender
from tenders.merging import Candidate, Compiled, candidate_of, compile_release
from tenders.models import (
    OcdsRelease,
    SourcePage,
    SyncWindow,
    Tender,
    TenderEvent,
    TenderNote,
    TenderSource,
)
from tenders.models.sources import Enricher
from tenders.reading import Note, canonical, digest_of_text
from tenders.states import EnrichmentStatus, EventKind

CHUNK = 500
FIELD_NAMES = tuple(each.name for each in fields(Fields))
RELEASE_COLUMNS = (
    "source",
    "ocid",
    "release_id",
    "released_at",
    "tags",
    "digest",
    "data",
    "page",
    "first_seen_at",
    "revised_at",
)
TENDER_COLUMNS = (
    "id",
    "source",
    "ocid",
    "compiled",
    "digest",
    "release_count",
    "detailed_category",
    "words",
    "enrichment",
    "enrich_attempts",
    "enrich_at",
    "first_seen_at",
    "changed_at",
    *FIELD_NAMES,
)
#: What a new compiled release changes of a tender that is there already.
RENEWED = ("id", "compiled", "digest", "release_count", "words", "changed_at", *FIELD_NAMES)


@dataclass(slots=True)
class Saved:
    """What came of some releases: how many were new, and the tenders that changed by them."""

    new: int = 0
    changed: list[str] = field(default_factory=list)
    events: int = 0
    notes: int = 0

    def __iadd__(self, other: Saved) -> Saved:
        self.new += other.new
        self.changed += other.changed
        self.events += other.events
        self.notes += other.notes
        return self


@dataclass(slots=True)
class _Standing:
    """A tender as it stands before a change."""

    id: Any
    compiled: dict[str, Any]
    digest: str
    detailed_category: str


Key = tuple[str, str]


def save_releases(
    source: TenderSource,
    candidates: Mapping[Key, Candidate],
    *,
    page: SourcePage | None = None,
    is_news: bool = True,
) -> Saved:
    """Keep releases and bring their tenders up to date, in the caller's transaction, which holds the source.

    `candidates` are by ocid and digest. What is there already changes nothing.
    """
    saved = Saved()
    for chunk in _chunks(list(candidates.items()), CHUNK):
        saved += _Chunk(source, dict(chunk), page=page, is_news=is_news).save()
    return saved


def save_notes(source: TenderSource, notes: Iterable[Note], *, window: SyncWindow | None) -> int:
    """Note what is amiss, each thing once; return how many were told."""
    now = clock.now()
    rows = {
        (fingerprint := _fingerprint(note)): (source.pk, window and window.pk, note.ocid[:200])
        + (note.code, _plain(note.text)[:500], fingerprint, now)
        for note in notes
    }
    columns = ("source", "window", "ocid", "code", "text", "fingerprint", "at")
    if rows:
        insert_missing_rows(TenderNote, columns, rows.values())
    return len(rows)


class _Chunk:
    """A few hundred releases on their way."""

    def __init__(
        self,
        source: TenderSource,
        candidates: dict[Key, Candidate],
        *,
        page: SourcePage | None,
        is_news: bool,
    ) -> None:
        self.source, self.candidates, self.page, self.is_news = source, candidates, page, is_news
        self.now = clock.now()
        self.has_mends = any("replace" not in fixup for fixup in source.fixups)
        self.mend = release_mender(source.fixups)

    def save(self) -> Saved:
        ocids = {ocid for ocid, _ in self.candidates}
        known = self._known(ocids)
        new = {key: each for key, each in self.candidates.items() if key not in known}
        self._insert(new)
        revised = self._revise(known) if self.source.edits_in_place else set()
        touched = {ocid for ocid, _ in new} | revised
        compiled = self._compiled(touched, earlier={ocid for ocid, _ in known}, new=new)
        changed, events = self._write(compiled, earlier={ocid for ocid, _ in known})
        notes = [Note("merge", text, ocid) for ocid, (c, _) in compiled.items() for text in c.notes]
        return Saved(
            len(new), changed, events, save_notes(self.source, notes, window=None) if notes else 0
        )

    # --- releases --------------------------------------------------------------------------------

    def _known(self, ocids: set[str]) -> dict[Key, tuple[int, str, Any, Any]]:
        rows = OcdsRelease.objects.filter(source=self.source, ocid__in=ocids)
        wanted = ("ocid", "digest", "pk", "release_id", "released_at", "revised_at")
        return {
            (ocid, digest): (pk, release_id, released_at, revised_at)
            for ocid, digest, pk, release_id, released_at, revised_at in rows.values_list(*wanted)
        }

    def _insert(self, new: Mapping[Key, Candidate]) -> None:
        rows = [
            (
                self.source.pk,
                ocid,
                each.release_id,
                each.moment and each.moment.at,
                _tags(each.data),
                digest,
                JsonText(each.text) if each.text else each.data,
                self.page and self.page.pk,
                self.now,
                self.now + timedelta(microseconds=place),
            )
            for place, ((ocid, digest), each) in enumerate(new.items())
        ]
        if rows:
            insert_rows(OcdsRelease, RELEASE_COLUMNS, rows)

    def _revise(self, known: Mapping[Key, tuple[int, str, Any, Any]]) -> set[str]:
        """Bring forward releases that came again after a later edit; return the processes that this changes."""
        newest: dict[tuple[str, str, Any], Any] = {}
        for (ocid, _), (_, release_id, released_at, revised_at) in known.items():
            place = (ocid, release_id, released_at)
            newest[place] = max(newest.get(place, revised_at), revised_at)
        again = {
            pk: ocid
            for (ocid, digest), (pk, release_id, released_at, revised_at) in known.items()
            if (ocid, digest) in self.candidates
            and revised_at < newest[ocid, release_id, released_at]
        }
        OcdsRelease.objects.filter(pk__in=again).update(revised_at=self.now)
        return set(again.values())

    # --- processes -------------------------------------------------------------------------------

    def _compiled(
        self, touched: set[str], *, earlier: set[str], new: Mapping[Key, Candidate]
    ) -> dict[str, tuple[Compiled, int]]:
        """Return the compiled release of each process, and of how many releases it is made."""
        by_ocid: dict[str, list[Candidate]] = defaultdict(list)
        for (ocid, _), each in new.items():
            if ocid not in earlier:
                by_ocid[ocid].append(each)
        for ocid, each in self._stored(touched & earlier):
            by_ocid[ocid].append(each)
        return {
            ocid: (compile_release(map(self._mended, self._counting(each))), len(each))
            for ocid, each in by_ocid.items()
        }

    def _stored(self, ocids: set[str]) -> Iterator[tuple[str, Candidate]]:
        if not ocids:
            return
        rows = OcdsRelease.objects.filter(source=self.source, ocid__in=ocids)
        wanted = ("ocid", "data", "release_id", "digest", "released_at")
        zone = self.source.zone
        for ocid, data, release_id, digest, released_at in rows.order_by(
            "revised_at", "pk"
        ).values_list(*wanted):
            candidate = candidate_of(data, release_id=release_id, digest=digest, zone=zone)
            if released_at is None:  # its date was found absurd
                candidate = Candidate(data, release_id, digest, None)
            yield ocid, candidate

    def _counting(self, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Return the releases that count: of one that a source edits in place, what was seen last."""
        if not self.source.edits_in_place:
            return candidates
        return list({(each.release_id, each.moment): each for each in candidates}.values())

    def _mended(self, candidate: Candidate) -> Candidate:
        if not self.has_mends:
            return candidate
        data = deepcopy(candidate.data)
        self.mend(data)
        return Candidate(data, candidate.release_id, candidate.digest, candidate.moment)

    # --- tenders ---------------------------------------------------------------------------------

    def _write(
        self, compiled: Mapping[str, tuple[Compiled, int]], *, earlier: set[str]
    ) -> tuple[list[str], int]:
        standing = self._standing(compiled.keys() & earlier)
        new: list[dict[str, Any]] = []
        renewed: list[dict[str, Any]] = []
        events: list[tuple[Any, Change]] = []
        changed: list[str] = []
        for ocid, (each, count) in compiled.items():
            before = standing.get(ocid)
            text = canonical(each.release)
            digest = digest_of_text(text)
            if before and before.digest == digest:
                continue
            columns = fields_of(each.release, zone=self.source.zone)
            row = self._row(ocid, columns, before)
            row |= {"compiled": JsonText(text), "digest": digest, "release_count": count}
            (renewed if before else new).append(row)
            events += [(row["id"], change) for change in self._changes(before, each, columns)]
            changed.append(ocid)
        if new:
            insert_rows(Tender, TENDER_COLUMNS, map(itemgetter(*TENDER_COLUMNS), new))
        if renewed:
            update_rows(Tender, RENEWED, map(itemgetter(*RENEWED), renewed))
        self._insert_events(events)
        return changed, len(events)

    def _standing(self, ocids: set[str]) -> dict[str, _Standing]:
        if not ocids:  # a process without releases has no tender
            return {}
        rows = Tender.objects.filter(source=self.source, ocid__in=ocids).order_by("pk")
        held = rows.select_for_update(of=("self",), no_key=True)  # no enrichment comes in between
        wanted = ("ocid", "pk", "compiled", "digest", "detailed_category")
        return {ocid: _Standing(*rest) for ocid, *rest in held.values_list(*wanted)}

    def _row(self, ocid: str, columns: Fields, before: _Standing | None) -> dict[str, Any]:
        """Return the columns of a tender; those of its enrichment hold for a new one alone."""
        detailed = before.detailed_category if before else ""
        is_enriched = self.source.enricher != Enricher.NONE
        return {
            "id": before.id if before else uuid7(),
            "source": self.source.pk,
            "ocid": ocid,
            "detailed_category": detailed,
            "words": words_of(columns, ocid=ocid, detailed_category=detailed),
            "enrichment": EnrichmentStatus.PENDING if is_enriched else EnrichmentStatus.DISABLED,
            "enrich_attempts": 0,
            "enrich_at": self.now if is_enriched else None,
            "first_seen_at": self.now,
            "changed_at": self.now,
            **{name: getattr(columns, name) for name in FIELD_NAMES},
        }

    def _changes(self, before: _Standing | None, after: Compiled, columns: Fields) -> list[Change]:
        if before is None:
            return [Change(EventKind.NEW, None, columns.phase)]
        old = fields_of(before.compiled, zone=self.source.zone)
        return changes_between(old, before.compiled, columns, after.release)

    def _insert_events(self, events: Sequence[tuple[Any, Change]]) -> None:
        if events:
            insert_rows(
                TenderEvent,
                ("tender", "kind", "before", "after", "is_news", "at"),
                [(key, c.kind, c.before, c.after, self.is_news, self.now) for key, c in events],
            )


def _tags(release: Mapping[str, Any]) -> str:
    tags = release.get("tag")
    return ", ".join(str(tag) for tag in tags)[:200] if isinstance(tags, list) else ""


def _plain(text: str) -> str:
    return text.replace("\0", "")


def _fingerprint(note: Note) -> str:
    return hashlib.sha256(
        f"{note.code}\n{note.ocid}\n{note.text}".encode(errors="replace")
    ).hexdigest()


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
