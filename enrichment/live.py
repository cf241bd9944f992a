"""A client's page at one moment: how the asking stands, what is known and from whom, what waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum
from django.urls import reverse

from core.live import Figure, Look, Notice
from enrichment.accounts import is_paused, paused_account
from enrichment.models import AiCall, Client, Competitor, FieldValue, Proposal
from enrichment.pricing import in_dollars
from enrichment.profile import FIELDS, label_of
from enrichment.providers.registry import provider_in_use
from enrichment.states import CallStatus, ProposalStatus, Source
from jobs.models import Run
from jobs.states import ACTIVE, RunStatus

SHOWN_CHANGES = 10
LOOKS = {
    None: Look("Not asked yet", "help", "quiet"),
    RunStatus.COMPLETED: Look("Described", "check_circle", "good"),
    RunStatus.FAILED: Look("Failed", "error", "bad"),
    RunStatus.CANCELLED: Look("Cancelled", "cancel", "quiet"),
    RunStatus.SKIPPED: Look("Skipped", "cancel", "quiet"),
}
ASKING = Look("Asking", "hourglass_top", "calm")
QUEUED = Look("In the queue", "schedule", "calm")
WAITING = Look("Waits for you", "front_hand", "warn")
PAUSED = Look("AI is paused", "pause_circle", "warn")


def source_of(source: str, call: AiCall | None) -> str:
    """Return who said something, and that nobody did where the sandbox made it up."""
    made_up = " (sandbox)" if call and call.is_sandbox else ""
    return f"{Source(source).label}{made_up}"


@dataclass(frozen=True)
class Line:
    """One field: its label, its value, and who said it."""

    label: str
    text: str
    said: FieldValue | Proposal
    #: What stands there now, where another value is proposed.
    now: str = ""

    @property
    def share(self) -> str:
        """How sure the model was: `90 %`."""
        sure = self.said.confidence
        return f"{sure * 100:.0f}\N{NO-BREAK SPACE}%" if sure is not None else ""

    @property
    def who(self) -> str:
        source = self.said.source if isinstance(self.said, FieldValue) else Source.AI
        return source_of(source, self.said.call)


@dataclass(frozen=True)
class Panel:
    """Everything that is drawn of a client."""

    client: Client
    look: Look
    run: Run | None
    notices: Sequence[Notice]
    figures: Sequence[Figure]
    spent: str
    lines: Sequence[Line]
    competitors: Sequence[Competitor]
    proposals: Sequence[Proposal]

    @property
    def is_moving(self) -> bool:
        return bool(self.run and self.run.status in ACTIVE)

    @property
    def proposed(self) -> list[Line]:
        present = {line.label: line.text for line in self.lines}
        labels = [label_of(each.field) for each in self.proposals]
        return [
            Line(label, in_words(each.value), each, now=present.get(label, ""))
            for label, each in zip(labels, self.proposals, strict=True)
        ]


def panel_of(client: Client) -> Panel:
    """Return the panel of a client as it stands now."""
    pending = client.proposals.filter(status=ProposalStatus.PENDING)
    waiting = list(pending.select_related("call").order_by("field"))
    return Panel(
        client,
        look_of(
            client,
            is_waiting=bool(waiting),
            in_doubt=client.calls.parked().exists(),
            is_paused=is_paused(provider_in_use()),
        ),
        client.run,
        notices_of(client, waiting),
        figures_of(client, waiting),
        in_dollars(client.calls.paid().aggregate(sum=Sum("cost_micros"))["sum"] or 0),
        lines_of(client),
        list(client.competitors.filter(dismissed_at=None).select_related("call")),
        waiting,
    )


def look_of(client: Client, *, is_waiting: bool, in_doubt: bool, is_paused: bool) -> Look:
    """Return how a client stands, in one word.

    `is_waiting`: values wait for a person; `in_doubt`: a call does; `is_paused`: nothing is asked of the provider now.
    """
    run = client.run
    if run and run.status in ACTIVE:
        if in_doubt:
            return WAITING
        if run.status == RunStatus.WAITING and is_paused:
            return PAUSED
        return QUEUED if run.started_at is None or not is_its_own(run) else ASKING
    if is_waiting:
        return WAITING
    if run and not is_its_own(run):
        return LOOKS[RunStatus.CANCELLED]  # the run of many ended before its turn came
    return LOOKS[RunStatus(run.status) if run else None]


def is_its_own(run: Run) -> bool:
    """Tell a run that asks about one client from one that asks about many, in which its turn is yet to come."""
    return run.workflow == "enrichment.enhance_client"


def lines_of(client: Client) -> list[Line]:
    said = {each.field: each for each in client.values.select_related("call")}
    return [
        Line(field.label, in_words(said[name].value), said[name])
        for name, field in FIELDS.items()
        if name in said
    ]


def in_words(value: Any) -> str:
    """Return a value, or a proposed competitor, as people read it."""
    if isinstance(value, dict):
        return f"{value.get('name')} ({value.get('domain')})"
    return ", ".join(value) if isinstance(value, list) else str(value)


def notices_of(client: Client, waiting: Sequence[Proposal]) -> list[Notice]:
    told = []
    account = paused_account(provider_in_use())
    if account:
        told.append(
            Notice(
                f"AI is paused: {account.paused_reason}",
                "Put it in order, then resume the account; the runs that wait go on by themselves.",
                url=reverse("admin:enrichment_aiaccount_change", args=[account.pk]),
                link="The account",
            )
        )
    told += [_notice_of_call(call) for call in client.calls.parked()]
    run = client.run
    if run and run.status == RunStatus.FAILED and run.error and is_its_own(run):
        told.append(
            Notice(
                run.error["message"],
                "What was paid is kept: retrying the run pays for no answer again. “Ask AI” asks anew.",
                icon="error",
                tone="bad",
                url=reverse("admin:jobs_run_change", args=[run.pk]),
                link="The run",
            )
        )
    if waiting:
        count = len(waiting)
        told.append(
            Notice(
                f"{count} {'proposal waits' if count == 1 else 'proposals wait'} for you.",
                "Press Accept or Reject above, and choose which.",
                icon="front_hand",
            )
        )
    return told


def _notice_of_call(call: AiCall) -> Notice:
    return Notice(
        "A call has no certain answer, and may have been paid.",
        "Look at the provider's log, then decide.",
        url=reverse("admin:enrichment_aicall_change", args=[call.pk]),
        link="Decide",
    )


def figures_of(client: Client, waiting: Sequence[Proposal]) -> list[Figure]:
    known, locked = client.values.count(), client.values.filter(is_locked=True).count()
    calls = client.calls.exclude(status=CallStatus.FAILED).count()
    ledger = f"{reverse('admin:enrichment_aicall_changelist')}?client__id__exact={client.pk}"
    proposals = f"{reverse('admin:enrichment_proposal_changelist')}?client__id__exact={client.pk}"
    return [
        Figure("known", f"of {len(FIELDS)} fields known", known, tone="good" if known else "quiet"),
        Figure("locked", "set by people", locked),
        Figure(
            "waiting",
            "waits for you" if len(waiting) == 1 else "wait for you",
            len(waiting),
            proposals,
            "warn" if waiting else "quiet",
        ),
        Figure(
            "calls", "call" if calls == 1 else "calls", calls, ledger, "calm" if calls else "quiet"
        ),
    ]
