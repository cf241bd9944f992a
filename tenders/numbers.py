"""Closing gaps by number: where a source numbers its processes, none between the first and the last may be missing.

For sources whose lists are known to lie. What is missing is asked for by itself; a number that a source does not have,
or never answers for, is remembered and asked for a few times more.
"""

from __future__ import annotations

import gzip
import hashlib
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet

from core import clock
from jobs.context import RunContext
from tenders import paging
from tenders.asking import AskFailed, Manners, ask
from tenders.bodies import BadBody, parse
from tenders.models import AbsentNumber, SourcePage, SyncWindow, Tender, TenderSource
from tenders.packages import Package, unwrap
from tenders.planning import locked
from tenders.reading import read_releases
from tenders.saving import save_notes, save_releases
from tenders.states import WindowKind

#: No window asks for more single numbers.
MOST_NUMBERS = 2_000
#: A number that was absent so often, or failed so often, is absent for good, …
BELIEVED_AFTER = 3
GIVEN_UP_AFTER = 6
#: … and in between it is left alone for so long: one that the source said it does not have, one that failed.
ASK_AGAIN = timedelta(hours=20)
RETRY_AFTER = timedelta(minutes=25)
#: So many numbers after the last (and before the very first) are asked for: a list that lies may hide them.
BEYOND = 3
#: How far back the number before a span is looked for.
BEFORE = timedelta(days=14)
NEAR = 50


def fetch_missing(run: RunContext, window: SyncWindow, manners: Manners) -> bool:
    """Ask for one process that is missing between those of a window; return whether there was one."""
    source = window.source
    number = next_missing(window)
    if number is None:
        return False
    url = paging.item_url(source, f"{source.ocid_prefix}{number}")
    try:
        body = ask(url, manners)
        package = unwrap(
            parse(body, encoding=source.encoding, fixups=source.fixups).data, or_none=True
        )
    except BadBody as problem:
        remember(source, number, answer=str(problem), is_failure=True)
        return True
    except AskFailed as failure:
        if not failure.status:
            raise
        remember(source, number, answer=str(failure), is_failure=failure.status >= 500)
        return True
    with transaction.atomic():
        _save(locked(source), window, number, url, body, package)
        run.renew()
    return True


def _save(
    source: TenderSource,
    window: SyncWindow,
    number: int,
    url: str,
    body: bytes,
    package: Package,
) -> None:
    reading = read_releases(package.releases, zone=source.zone, now=clock.now())
    page = keep_page(window, url, body, is_item=True)
    saved = save_releases(
        source, reading.candidates, page=page, is_news=window.kind == WindowKind.LIVE
    )
    save_notes(source, reading.notes, window=window)
    SyncWindow.objects.filter(pk=window.pk).update(
        release_count=F("release_count") + len(package.releases),
        new_count=F("new_count") + saved.new,
    )
    if saved.new and window.kind == WindowKind.LIVE:
        TenderSource.objects.filter(pk=source.pk).update(last_new_at=clock.now())
    if all(ocid != f"{source.ocid_prefix}{number}" for ocid, _ in reading.candidates):
        remember(source, number, answer="It has none.")


def keep_page(
    window: SyncWindow, url: str, body: bytes, *, number: int = 0, is_item: bool = False
) -> SourcePage:
    """Keep an answer as it came, as the next of its crawl; the one for a single process is kept when it is saved."""
    return SourcePage.objects.create(
        window=window,
        crawl=window.crawl,
        number=number or window.page_set.filter(crawl=window.crawl).count() + 1,
        url=url,
        digest=hashlib.sha256(body).hexdigest(),
        size=len(body),
        body=gzip.compress(body, 1),  # half the time of 5, a tenth more bytes
        fetched_at=clock.now(),
        saved_at=clock.now() if is_item else None,
        is_item=is_item,
    )


def next_missing(window: SyncWindow) -> int | None:
    """Return a number that is worth asking for: missing between those of a window's span, or just beyond the last."""
    source = window.source
    span = span_of(window)
    if span is None:
        return None
    first, last = span
    reach = (first, last + BEYOND)
    answered = _known(source, reach) | set(_resting(source, reach))
    return next((n for n in range(first, last + BEYOND + 1) if n not in answered), None)


def span_of(window: SyncWindow) -> tuple[int, int] | None:
    """Return the first and last number that belong to a window and its overlap.

    The first is the one after the last that came before; where none is known, a few before the first that was seen. Of
    a span in which nothing was published, they are those between the last before it and the first behind it, if both
    are known; a first behind the last says that there are none.
    """
    source = window.source
    start, end = window.starts_at - source.overlap, window.ends_at + timedelta(days=1)
    tenders = Tender.objects.filter(source=source)
    seen = _numbers(source, tenders.filter(published_at__range=(start, end)))
    if not seen:
        return _between(source, start, end)
    near = [f"{source.ocid_prefix}{min(seen) - less}" for less in range(1, NEAR)]
    before = tenders.filter(Q(published_at__range=(start - BEFORE, start)) | Q(ocid__in=near))
    anchors = {number for number in _numbers(source, before) if number < min(seen)}
    first = max(anchors) + 1 if anchors else min(seen) - BEYOND
    return max(first, max(seen) - MOST_NUMBERS), max(seen)


def _between(source: TenderSource, start: datetime, end: datetime) -> tuple[int, int] | None:
    tenders = Tender.objects.filter(source=source)
    before = _numbers(source, tenders.filter(published_at__range=(start - BEFORE, start)))
    behind = _numbers(source, tenders.filter(published_at__range=(end, end + BEFORE)))
    if not before or not behind:
        return None
    first, last = max(before) + 1, min(behind) - 1
    return max(first, last - MOST_NUMBERS), last


def forget_beyond(source: TenderSource) -> None:
    """Forget what was not there beyond the last number: it had not come yet."""
    last = max(
        _numbers(source, Tender.objects.filter(source=source).order_by("-id")[:MOST_NUMBERS]),
        default=0,
    )
    AbsentNumber.objects.filter(source=source, number__gt=last).delete()


def doubtful(window: SyncWindow) -> list[int]:
    """Return the numbers of a window's span that failed, and not yet often enough to be given up."""
    span = span_of(window)
    if span is None:
        return []
    failing = AbsentNumber.objects.filter(
        source=window.source, number__range=span, is_failure=True, asked_count__lt=GIVEN_UP_AFTER
    )
    return sorted(set(failing.values_list("number", flat=True)) - _known(window.source, span))


def _known(source: TenderSource, span: tuple[int, int]) -> set[int]:
    wanted = [f"{source.ocid_prefix}{number}" for number in range(span[0], span[1] + 1)]
    return _numbers(source, Tender.objects.filter(source=source, ocid__in=wanted))


def _resting(source: TenderSource, span: tuple[int, int]) -> QuerySet[AbsentNumber, int]:
    now = clock.now()
    is_resting = (
        Q(asked_count__gte=GIVEN_UP_AFTER)
        | Q(is_failure=False, asked_count__gte=BELIEVED_AFTER)
        | Q(is_failure=False, asked_at__gt=now - ASK_AGAIN)
        | Q(is_failure=True, asked_at__gt=now - RETRY_AFTER)
    )
    resting = AbsentNumber.objects.filter(is_resting, source=source, number__range=span)
    return resting.values_list("number", flat=True)


def _numbers(source: TenderSource, tenders: QuerySet[Tender]) -> set[int]:
    ends = (
        ocid.removeprefix(source.ocid_prefix) for ocid in tenders.values_list("ocid", flat=True)
    )
    return {int(end) for end in ends if end.isascii() and end.isdigit()}


def remember(source: TenderSource, number: int, *, answer: str, is_failure: bool = False) -> None:
    """Note that a number was asked for in vain."""
    told = {"answer": answer[:100], "is_failure": is_failure, "asked_at": clock.now()}
    made, is_new = AbsentNumber.objects.get_or_create(source=source, number=number, defaults=told)
    if not is_new:
        AbsentNumber.objects.filter(pk=made.pk).update(asked_count=F("asked_count") + 1, **told)
