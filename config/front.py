"""The front page: what waits for a person, and what is under way, each with the way to it.

Each question is a short one of an index or of a small table, and counts no further than MOST; a person is told only of
what they may see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.timezone import localtime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from campaigns.appearance import in_its_zone
from campaigns.appearance import look_of as look_of_campaign
from campaigns.models import Campaign
from campaigns.states import Status
from config.pages import may_see, page_of
from core.fragments import fragment_view
from core.live import Look
from core.sql import Literal
from enrichment.models import AiAccount, AiCall, Proposal
from enrichment.states import ProposalStatus
from funnels.models import Launch
from funnels.states import LaunchStatus
from imports.looks import look_of as look_of_import
from imports.models import CsvBatch
from imports.states import BatchStatus
from jobs.models import Hold, Run
from messaging.models import Message, SendBatch, Sender
from messaging.states import BatchStatus as SendBatchStatus
from messaging.states import MessageStatus, SenderStatus
from tenders.models import SyncWindow
from tenders.states import WindowStatus

MOST = 1000
SHOWN = 8
AT_WORK = Look("Live", "rocket_launch", "calm")


@dataclass(frozen=True)
class Matter:
    """Something that waits for a person: what is asked of the database, its words, and the list that shows it."""

    rows: Callable[[], QuerySet[Any]]
    one: str
    many: str
    query: str = ""
    tone: str = "warn"


@dataclass(frozen=True)
class Waiting:
    """So many of a matter, and where they stand."""

    count: int
    text: str
    link: str
    tone: str

    @property
    def figure(self) -> str:
        """The number as people write it."""
        return f"{self.count:,}" if self.count < MOST else f"{MOST:,} or more"


@dataclass(frozen=True)
class Job:
    """Something at work, or about to be."""

    title: str
    look: Look
    detail: str
    link: str
    done: int = 0
    total: int = 0


MATTERS = (
    Matter(Run.objects.dead_letters, "run failed", "runs failed", "failure=any", "bad"),
    Matter(
        Hold.objects.on,
        "workflow or queue is paused",
        "workflows and queues are paused",
    ),
    Matter(
        lambda: Sender.objects.filter(status=SenderStatus.PAUSED),
        "sender is paused",
        "senders are paused",
    ),
    Matter(
        lambda: Message.objects.filter(status=Literal(MessageStatus.IN_DOUBT)),
        "message is in doubt",
        "messages are in doubt",
        "status__exact=in_doubt",
        "bad",
    ),
    Matter(
        lambda: SendBatch.objects.filter(status=SendBatchStatus.PARKED),
        "batch of messages is parked",
        "batches of messages are parked",
        "status__exact=parked",
        "bad",
    ),
    Matter(
        lambda: Campaign.objects.filter(status=Status.PAUSED),
        "campaign is paused",
        "campaigns are paused",
        "status__exact=paused",
    ),
    Matter(
        lambda: Campaign.objects.filter(status=Status.SCHEDULED, asks_since__isnull=False),
        "campaign is late and needs your yes",
        "campaigns are late and need your yes",
        "status__exact=scheduled",
    ),
    Matter(
        lambda: Launch.objects.filter(status=LaunchStatus.PAUSED),
        "launched funnel is paused",
        "launched funnels are paused",
        "status__exact=paused",
    ),
    Matter(
        lambda: CsvBatch.objects.filter(status=BatchStatus.MAPPING),
        "import waits for its columns",
        "imports wait for their columns",
        "status__exact=mapping",
    ),
    Matter(
        lambda: CsvBatch.objects.filter(status=BatchStatus.READY),
        "import is checked and waits for its start",
        "imports are checked and wait for their start",
        "status__exact=ready",
    ),
    Matter(
        lambda: CsvBatch.objects.filter(status=BatchStatus.PAUSED),
        "import is paused",
        "imports are paused",
        "status__exact=paused",
    ),
    Matter(
        lambda: AiAccount.objects.filter(paused_at__isnull=False),
        "AI account is paused",
        "AI accounts are paused",
        tone="bad",
    ),
    Matter(
        AiCall.objects.parked,
        "AI call is in doubt",
        "AI calls are in doubt",
        "status__exact=parked",
        "bad",
    ),
    Matter(
        lambda: Proposal.objects.filter(status=ProposalStatus.PENDING),
        "proposed value waits for a yes or no",
        "proposed values wait for a yes or no",
        "status__exact=pending",
    ),
    Matter(
        lambda: SyncWindow.objects.filter(status=WindowStatus.OPEN).exclude(problem=""),
        "span of tenders is not proven complete",
        "spans of tenders are not proven complete",
        "status__exact=open",
    ),
)


def waiting_for(request: HttpRequest) -> list[Waiting]:
    """Return what waits for a person, in the order of the house."""
    return [found for matter in MATTERS if (found := _waiting(matter, request))]


def _waiting(matter: Matter, request: HttpRequest) -> Waiting | None:
    rows = matter.rows()
    if not may_see(request, rows.model):
        return None
    count = rows.order_by()[:MOST].count()
    if not count:
        return None
    link = page_of(rows.model, "changelist") + (f"?{matter.query}" if matter.query else "")
    return Waiting(count, matter.one if count == 1 else matter.many, link, matter.tone)


def under_way(request: HttpRequest) -> list[Job]:
    """Return what is at work or about to be: campaigns, imports, funnels, a few of each."""
    kinds: tuple[tuple[type[Model], Callable[[], Iterator[Job]]], ...] = (
        (Campaign, _campaigns),
        (CsvBatch, _imports),
        (Launch, _launches),
    )
    return [job for model, jobs in kinds if may_see(request, model) for job in jobs()]


def _campaigns() -> Iterator[Job]:
    rows = Campaign.objects.filter(status__in=[Status.SENDING, Status.SCHEDULED])
    for campaign in rows.select_related("sender").order_by("-status", "scheduled_at")[:SHOWN]:
        when = f"{in_its_zone(campaign)}, " if campaign.status == Status.SCHEDULED else ""
        detail = f"{when}from {campaign.sender}"
        yield Job(campaign.name, look_of_campaign(campaign), detail, _page(campaign))


def _imports() -> Iterator[Job]:
    at_work = [
        BatchStatus.READING,
        BatchStatus.CHECKING,
        BatchStatus.IMPORTING,
        BatchStatus.UNDOING,
    ]
    for batch in CsvBatch.objects.filter(status__in=at_work).order_by("-created_at")[:SHOWN]:
        detail = f"{batch.processed:,} of {batch.total:,} rows" if batch.total else ""
        look, done = look_of_import(batch), batch.processed
        yield Job(batch.file_name, look, detail, _page(batch), done, batch.total)


def _launches() -> Iterator[Job]:
    rows = Launch.objects.filter(status=LaunchStatus.LIVE).select_related("event", "funnel")
    for launch in rows.order_by("event__starts_at")[:SHOWN]:
        starts = localtime(launch.event.starts_at, launch.event.zone)
        detail = f"starts {starts:%-d %B %Y, %H:%M} ({launch.event.time_zone})"
        yield Job(str(launch), AT_WORK, detail, _page(launch))


def _page(row: Model) -> str:
    return page_of(type(row), "change", row.pk)


def panel_context(request: HttpRequest) -> dict[str, Any]:
    """Return what the panel of the front page shows, and where it asks for itself again."""
    return {
        "panel_url": reverse("front-panel"),
        "waiting": waiting_for(request),
        "jobs": under_way(request),
    }


@never_cache
@require_safe
def panel_view(request: HttpRequest) -> HttpResponse:
    """Answer the panel's own question."""
    return render(request, "admin/_front.html", panel_context(request))


panel = fragment_view(admin.site, panel_view)
