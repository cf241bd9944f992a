"""Fetching the gaps of a source, page after page, until none is due: the inside of a sync.

A window's own row is the checkpoint. For each page: 1. ask, outside of any transaction. 2. Keep the bytes and commit.
3. In one transaction save what they hold and move the window's place, proving the run's lease last. Whoever is killed
goes on at 1 or 3. At the end of a crawl the window is judged; the transaction that completes it moves the cursor.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Min, Q

from core import clock
from core.sql import commit_soon
from jobs.context import RunContext
from jobs.models import Run
from tenders import numbers, paging
from tenders.asking import TOO_FAST, AskFailed, Manners, MustWait, ask
from tenders.bodies import BadBody, Body, parse
from tenders.models import SourcePage, SyncWindow, TenderSource
from tenders.models.sources import Proof
from tenders.packages import unwrap
from tenders.planning import locked, move_cursor
from tenders.proving import CrawlFacts, PageFacts, Rule, Verdict, judge
from tenders.reading import Note, digest_of, read_releases
from tenders.saving import Saved, save_notes, save_releases
from tenders.states import WindowKind, WindowStatus, leading_to

#: How long a sync works before it lets others have the worker.
TURN_SECONDS = 5.0
#: A wait as short as this is waited for in place.
SHORT_WAIT = 0.3
#: A host that asks for more patience is left until the next sync.
PATIENCE_SECONDS = 900.0
#: So often a host may tell us to wait before a window is left.
MOST_WAITS = 5
#: By so many of its last pages is judged how much a page of a source holds.
LOOKED_AT = 200
#: When a source last had news is known to the minute.
NEWS_GRAIN = timedelta(minutes=1)
#: A gap that was left is nobody's business for so long, but for the next plan's.
LEFT_FOR = timedelta(hours=6)


def manners_of(source: TenderSource) -> Manners:
    """Return how a source wants to be asked."""
    return Manners(
        interval_seconds=source.interval_seconds,
        timeout_seconds=source.timeout_seconds,
        limit_statuses=tuple(source.limit_statuses) or TOO_FAST,
        wait_seconds=source.wait_seconds,
        headers=source.headers,
    )


def full_page(source: TenderSource) -> int:
    """Return how many releases a full page holds: what is asked for, or less where a source caps that silently.

    A page that named a next one was full; the largest of the last ones tells.
    """
    pages = SourcePage.objects.filter(window__source=source, is_item=False, release_count__gt=0)
    wanted = ("window", "crawl", "number", "release_count")
    lately = list(pages.order_by("-pk").values_list(*wanted)[:LOOKED_AT])
    last: dict[tuple[Any, int], int] = {}
    for window, crawl, number, _ in lately:
        last[window, crawl] = max(last.get((window, crawl), 0), number)
    followed = [count for window, crawl, number, count in lately if number < last[window, crawl]]
    return min([source.page_size, *([max(followed)] if followed else [])])


class Crawler:
    """One run's work on the gaps of a source, of one kind."""

    def __init__(self, run: RunContext, source: TenderSource, kind: WindowKind) -> None:
        self.run, self.source, self.kind = run, source, kind
        self.row = Run.from_public_id(run.id)
        self.rule = Rule(
            paging=source.paging,
            proof=source.proof,
            page_size=full_page(source),
            may_be_empty=source.may_be_empty,
            least=timedelta(seconds=source.least_seconds),
        )
        self.manners = manners_of(source)

    def crawl(self) -> None:
        """Work until no gap is due; give the worker back between turns and while a host wants us to wait."""
        self._turn_ends = time.monotonic() + TURN_SECONDS
        while window := self._next():
            try:
                self._advance(window)
            except MustWait as wait:
                self._wait(window, wait)
            except AskFailed as failure:
                self._failed(window, str(failure))
            if self._is_turn_over():
                self.run.snooze()
        self._rest()

    def _is_turn_over(self) -> bool:
        return time.monotonic() > self._turn_ends

    def _rest(self) -> None:
        """Come again for gaps that are to be tried once more in this run."""
        now = clock.now()
        soon = SyncWindow.objects.gaps().filter(
            source=self.source,
            kind=self.kind,
            next_attempt_at__lte=now + timedelta(seconds=PATIENCE_SECONDS),
        )
        first = soon.aggregate(at=Min("next_attempt_at"))["at"]
        if first is not None:
            self.run.snooze(max((first - now).total_seconds(), 0.0))

    def _next(self) -> SyncWindow | None:
        """Return the gap whose turn it is: of the present the oldest first, of a backfill the newest."""
        due = Q(next_attempt_at=None) | Q(next_attempt_at__lte=clock.now())
        gaps = SyncWindow.objects.gaps().filter(due, source=self.source, kind=self.kind)
        order = "starts_at" if self.kind == WindowKind.LIVE else "-starts_at"
        return gaps.order_by(order).first()

    def _advance(self, window: SyncWindow) -> None:
        """Do the next thing for a window."""
        window.source = self.source
        if window.status == WindowStatus.OPEN or window.run_id != self.row.pk:
            self._begin(window)
        if window.status != WindowStatus.FETCHING:
            return  # somebody closed it
        waiting = window.page_set.filter(crawl=window.crawl, saved_at=None).first()
        if waiting is not None:
            self._save(window, waiting, waiting.content)
        elif window.next_url:
            self._fetch_on(window)
        else:
            self._settle(window)

    # --- a page ----------------------------------------------------------------------------------

    def _begin(self, window: SyncWindow) -> None:
        """Begin a crawl from the first page; one that was cut off begins anew."""
        if self.source.proof == Proof.NUMBERS:
            numbers.forget_beyond(self.source)
        url = paging.first_url(self.source, start=window.starts_at, end=window.ends_at)
        self._move(
            window,
            WindowStatus.FETCHING,
            crawl=window.crawl + 1,
            next_url=url,
            page_count=0,
            crawl_new_count=0,
            run=self.row,
        )

    def _fetch_on(self, window: SyncWindow) -> None:
        """Fetch page after page for the rest of the turn: nobody but this run moves the window's place."""
        number = window.page_set.filter(crawl=window.crawl).count()
        while window.next_url:
            number += 1
            self._fetch(window, number)
            if self._is_turn_over():
                return

    def _fetch(self, window: SyncWindow, number: int) -> None:
        """Ask for a page, keep it as it came, and save what it holds."""
        content = ask(window.next_url, self.manners)
        with transaction.atomic():
            commit_soon()  # a page that is lost with its machine is asked for again
            page = numbers.keep_page(window, window.next_url, content, number=number)
            self.run.renew()
        self._save(window, page, content)

    def _save(self, window: SyncWindow, page: SourcePage, content: bytes) -> None:
        """Save what a page holds, and move the window's place."""
        try:
            body = parse(content, encoding=self.source.encoding, fixups=self.source.fixups)
            package = unwrap(body.data)
            named, count = package.next_url, len(package.releases)
            following = paging.next_url(self.source, url=page.url, named=named, count=count)
        except (BadBody, paging.BadLink) as problem:
            self._note_page(page, problem=str(problem))
            raise AskFailed(str(problem)) from problem
        reading = read_releases(package.releases, zone=self.source.zone, now=clock.now())
        unread = self._why_again(window, body)
        with transaction.atomic():
            source = locked(self.source)
            is_news = self.kind == WindowKind.LIVE
            saved = save_releases(source, reading.candidates, page=page, is_news=is_news)
            notes = [*reading.notes, *(Note("body", note) for note in body.notes)]
            saved.notes += save_notes(source, notes, window=window)
            if unread:
                self._note_page(page, problem=unread)
                self._count(window, saved, following=page.url, pages=0)
            else:
                held = digest_of(sorted([*key] for key in reading.candidates))
                repeated, ends = self._look_back(window, following, held=held, count=count)
                why = repeated or body.damage
                self._note_page(page, problem=why, release_count=count, content_digest=held)
                self._count(window, saved, following="" if ends else following, releases=count)
            if saved.new and is_news:
                self._note_news(source)
            self.run.renew()
        self.run.progress(window.page_count, None, f"{window}: {count} releases")
        if unread:
            raise AskFailed(unread)

    def _why_again(self, window: SyncWindow, body: Body) -> str:
        """Return why a page is to be asked for once more: it broke off, or is damaged, and may come whole.

        Damage that stays is gone around: the rest is kept, the crawl goes on, and what it proves is less.
        """
        if body.is_cut:
            return body.notes[-1]
        return body.damage if window.failures < len(self.source.delays) else ""

    def _note_page(self, page: SourcePage, *, problem: str, **facts: Any) -> None:
        SourcePage.objects.filter(pk=page.pk).update(
            saved_at=clock.now(), problem=problem[:500], **facts
        )

    def _look_back(
        self, window: SyncWindow, following: str, *, held: str, count: int
    ) -> tuple[str, bool]:
        """Return why the next page proves nothing, if so, and whether the crawl ends here.

        It ends where the next was fetched before, where this page was there before, and at the second empty one in a
        row: such a source names a next for ever.
        """
        pages = window.page_set.filter(crawl=window.crawl)
        same = Q(content_digest=held, release_count__gt=0)
        earlier = list(pages.filter(Q(url=following) | same).values_list("url", "content_digest"))
        if following and any(url == following for url, _ in earlier):
            return "A page names one that was fetched before as the next.", True
        if count:
            return "", any(content == held for _, content in earlier)
        answers = pages.exclude(content_digest="").order_by("-number")
        return "", answers.values_list("release_count", flat=True).first() == 0

    def _note_news(self, source: TenderSource) -> None:
        now = clock.now()
        if source.last_new_at is None or now - source.last_new_at > NEWS_GRAIN:
            TenderSource.objects.filter(pk=source.pk).update(last_new_at=now)

    def _count(
        self,
        window: SyncWindow,
        saved: Saved,
        *,
        following: str,
        pages: int = 1,
        releases: int = 0,
    ) -> None:
        moved = {"failures": 0} if pages else {}
        rows = SyncWindow.objects.filter(pk=window.pk, status=WindowStatus.FETCHING)
        is_open = rows.update(
            next_url=following,
            page_count=F("page_count") + pages,
            release_count=F("release_count") + releases,
            new_count=F("new_count") + saved.new,
            crawl_new_count=F("crawl_new_count") + saved.new,
            note_count=F("note_count") + saved.notes,
            **moved,
        )
        window.next_url = following if is_open else ""  # somebody closed it
        window.page_count += pages
        window.failures = 0 if pages else window.failures

    # --- the end of a crawl ------------------------------------------------------------------------

    def _settle(self, window: SyncWindow) -> None:
        """Judge a crawl that came to its end."""
        verdict, why = judge(self._facts(window), self.rule)
        if verdict is Verdict.NUMBERS:
            if numbers.fetch_missing(self.run, window, self.manners):
                return
            verdict, why = self._after_numbers(window, why)
        if verdict is Verdict.COMPLETE:
            self._complete(window)
        elif verdict is Verdict.AGAIN:
            self._again(window)
        elif verdict is Verdict.SPLIT:
            self._split(window)
        else:
            self._leave(window, why)

    def _after_numbers(self, window: SyncWindow, doubt: str) -> tuple[Verdict, str]:
        if doubt and numbers.span_of(window) is None:
            return Verdict.OPEN, doubt
        failing = numbers.doubtful(window)
        if not failing:
            return Verdict.COMPLETE, ""
        return Verdict.OPEN, f"{len(failing)} numbers could not be had, the first is {failing[0]}."

    def _facts(self, window: SyncWindow) -> CrawlFacts:
        pages = window.page_set.filter(crawl=window.crawl, is_item=False).exclude(saved_at=None)
        answers = pages.exclude(content_digest="")  # those that failed came again
        facts = answers.order_by("number").values_list("release_count", "content_digest", "problem")
        return CrawlFacts(
            pages=[PageFacts(*fact) for fact in facts],
            new=window.crawl_new_count,
            passes=window.pass_count,
            length=window.length,
        )

    @transaction.atomic
    def _complete(self, window: SyncWindow) -> None:
        """Close a window that is proven complete, and move the cursor with it."""
        locked(self.source)
        self._move(
            window,
            WindowStatus.COMPLETE,
            problem="",
            next_url="",
            completed_at=clock.now(),
            failures=0,
        )
        move_cursor(self.source, last_success_at=clock.now())
        self.run.renew()

    def _again(self, window: SyncWindow) -> None:
        url = paging.first_url(self.source, start=window.starts_at, end=window.ends_at)
        self._move(
            window,
            WindowStatus.FETCHING,
            crawl=window.crawl + 1,
            pass_count=window.pass_count + 1,
            next_url=url,
            page_count=0,
            crawl_new_count=0,
        )

    @transaction.atomic
    def _split(self, window: SyncWindow) -> None:
        """Put two shorter windows in the place of one."""
        locked(self.source)
        middle = window.starts_at + window.length / 2
        SyncWindow.objects.bulk_create(
            [
                SyncWindow(source=self.source, kind=window.kind, starts_at=start, ends_at=end)
                for start, end in ((window.starts_at, middle), (middle, window.ends_at))
            ],
            ignore_conflicts=True,  # a range that was asked for again may hold one of them already
        )
        self._move(window, WindowStatus.SPLIT, next_url="", problem="")
        self.run.renew()

    def _leave(self, window: SyncWindow, why: str) -> None:
        """Leave a window open until the next sync, and say why; later ones are fetched all the same."""
        self._move(
            window,
            WindowStatus.OPEN,
            problem=why[:500],
            next_url="",
            pass_count=0,
            next_attempt_at=clock.now() + LEFT_FOR,
        )

    # --- waiting and failing ---------------------------------------------------------------------

    def _wait(self, window: SyncWindow, wait: MustWait) -> None:
        if not wait.was_told and wait.seconds <= SHORT_WAIT:
            time.sleep(wait.seconds)
            return
        if wait.was_told:
            waits = self._count_failure(window)
            if waits > MOST_WAITS or wait.seconds > PATIENCE_SECONDS:
                self._leave(window, f"It answers {wait.status}: {wait}")
                return
        elif wait.seconds > PATIENCE_SECONDS:
            self._leave(window, str(wait))
            return
        self.run.snooze(wait.seconds)

    def _failed(self, window: SyncWindow, why: str) -> None:
        """Try again a little later, as often as the source's row says; then leave the window open."""
        failures = self._count_failure(window)
        delays = self.source.delays
        if failures > len(delays):
            self._leave(window, why)
            return
        again = clock.now() + timedelta(seconds=delays[failures - 1])
        SyncWindow.objects.filter(pk=window.pk).update(problem=why[:500], next_attempt_at=again)

    def _count_failure(self, window: SyncWindow) -> int:
        SyncWindow.objects.filter(pk=window.pk).update(
            failures=F("failures") + 1, error_count=F("error_count") + 1
        )
        return window.failures + 1

    def _move(self, window: SyncWindow, to: WindowStatus, **changes: Any) -> None:
        """Set where a window stands, unless somebody closed it meanwhile."""
        with transaction.atomic():
            rows = SyncWindow.objects.filter(pk=window.pk, status__in=leading_to(to))
            rows.update(status=to, **changes)
            self.run.renew()
        window.refresh_from_db()
        window.source = self.source
