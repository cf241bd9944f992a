"""Asking again for tenders that are still open, one by one: for sources whose dates never show a change.

A list by date of first publication holds a moved deadline or an award under the old date alone, where no window looks.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from core import clock
from jobs.context import RunContext
from tenders import paging
from tenders.asking import AskFailed, MustWait, ask_in_turn
from tenders.bodies import BadBody, parse
from tenders.crawling import manners_of
from tenders.models import Tender, TenderSource
from tenders.models.sources import DateMeaning
from tenders.packages import unwrap
from tenders.planning import locked
from tenders.reading import read_releases
from tenders.saving import save_notes, save_releases
from tenders.states import Phase

#: What closed lately may still be prolonged, cancelled or awarded.
STILL_OPEN = timedelta(days=3)
MOST = 3_000
CHUNK = 20


def is_revisited(source: TenderSource) -> bool:
    """Whether a source shows changes only to who asks for one process."""
    return source.date_meaning == DateMeaning.PUBLISHED and "{ocid}" in source.item_url


def open_ocids(source: TenderSource) -> list[str]:
    """Return the ocids of tenders that may still change, those that close next first."""
    rows = Tender.objects.filter(source=source, phase__in=[Phase.PLANNING, Phase.TENDER])
    still = Q(closes_at=None) | Q(closes_at__gt=clock.now() - STILL_OPEN)
    return list(
        rows.filter(still).order_by("closes_at", "pk").values_list("ocid", flat=True)[:MOST]
    )


def ask_again(run: RunContext, source: TenderSource, ocids: list[str]) -> dict[str, Any]:
    """Ask for processes one by one and save what came; what could not be had stays as it is until tomorrow.

    Ends early, with the seconds to `wait`, where the host wants to be left alone: what was asked is not asked again.
    """
    counts: dict[str, Any] = {"asked": 0, "changed": 0, "failed": 0, "wait": 0.0}
    for ocid in ocids:
        try:
            counts["changed"] += _ask_again(run, source, ocid)
        except MustWait as wait:
            return counts | {"wait": wait.seconds}
        except (AskFailed, BadBody):
            counts["failed"] += 1
        counts["asked"] += 1
    return counts


def _ask_again(run: RunContext, source: TenderSource, ocid: str) -> int:
    body: Any = ask_in_turn(paging.item_url(source, ocid), manners_of(source))
    data = parse(body, encoding=source.encoding, fixups=source.fixups).data
    reading = read_releases(unwrap(data, or_none=True).releases, zone=source.zone, now=clock.now())
    with transaction.atomic():
        held = locked(source)
        saved = save_releases(held, reading.candidates)
        save_notes(held, reading.notes, window=None)
        run.renew()
    return len(saved.changed)
