"""The live panel: everything the page shows of a campaign at one moment, ready to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from campaigns import pace
from campaigns.appearance import in_its_zone, look_of
from campaigns.handovers import all_handovers, recent_handovers
from campaigns.models import Campaign
from campaigns.notices import notices_of
from campaigns.outlook import outlook_of
from campaigns.states import UNDER_WAY, Status
from campaigns.steps import StepLine, is_whole, lines_of, recorded_steps
from campaigns.wording import SKIPPED
from core.clock import now
from core.durations import on_a_clock
from core.live import Figure, Look, Notice
from messaging.streams import Tally, tally

CHART_WIDTH, CHART_HEIGHT = 600, 80


@dataclass(frozen=True)
class Chart:
    """Messages per second over the whole send, as one line."""

    points: str
    peak: float
    width: int = CHART_WIDTH
    height: int = CHART_HEIGHT

    @property
    def peak_in_figures(self) -> str:
        """The greatest rate, as people write it."""
        return pace.in_figures(self.peak)

    @property
    def view_box(self) -> str:
        """The drawing with room for the line's own width at the top."""
        return f"0 -2 {self.width} {self.height + 2}"

    @property
    def area(self) -> str:
        """The surface under the line."""
        return f"0,{self.height} {self.points} {self.width},{self.height}"


@dataclass(frozen=True)
class Panel:
    """One moment of a campaign, as staff see it."""

    campaign: Campaign
    look: Look
    notices: Sequence[Notice]
    figures: Sequence[Figure] = ()
    reasons: Sequence[Figure] = ()
    sent: int = 0
    done: int = 0
    total: int = 0
    rate: float = 0.0
    left: str = ""
    is_writing: bool = False
    is_resting: bool = False
    elapsed: str = ""
    chart: Chart | None = None
    steps: Sequence[StepLine] = field(default=())

    @property
    def percent(self) -> int:
        """How much is settled; 100 only when everything is, and 0 while nobody knows how much there will be."""
        return self.done * 100 // self.total if self.total and not self.is_writing else 0

    @property
    def settled(self) -> str:
        """The progress in words."""
        if self.is_writing:
            return f"{self.done:,} settled, {self.total:,} written so far"
        return f"{self.done:,} of {self.total:,} settled"

    @property
    def is_moving(self) -> bool:
        """The page asks again in two seconds."""
        return self.campaign.status in UNDER_WAY

    @property
    def starts(self) -> str:
        """When it starts by itself, in the zone that staff chose."""
        is_scheduled = self.campaign.status == Status.SCHEDULED
        return in_its_zone(self.campaign) if is_scheduled else ""

    @property
    def run_url(self) -> str:
        """The page of its run in the job log."""
        run = self.campaign.run_id
        return reverse("admin:jobs_run_change", args=[run]) if run else ""

    @property
    def polls_every(self) -> str:
        """How soon the page asks again, or nothing once there is nothing to wait for."""
        if self.is_moving and not self.is_resting:
            return "2s"
        may_change = self.is_moving or self.campaign.status in (Status.SCHEDULED, Status.FAILED)
        return "10s" if may_change else ""

    @property
    def rate_in_words(self) -> str:
        """How fast it goes now, or went; a campaign that is paused or rests goes nowhere."""
        if self.is_moving and self.is_resting:
            return "Nothing goes out now"
        if not (self.total and (self.is_moving or self.rate)):
            return ""
        when = "now" if self.is_moving else "on average"
        return f"{pace.in_figures(self.rate)} messages a second {when}"

    @property
    def heard(self) -> str:
        """What a listener was told last: it changes with the status and at each tenth."""
        return f"{self.look.word}-{self.percent // 10}".lower().replace(" ", "-")

    @property
    def announcement(self) -> str:
        """The sentence for people who listen instead of looking."""
        if not self.total:
            return f"{self.look.word}."
        if self.is_writing:
            return f"{self.look.word}: {self.settled}."
        told = f"{self.look.word}: {self.done:,} of {self.total:,}, {self.percent} percent."
        return f"{told} {self.left.capitalize()}.".removesuffix(" .")


def panel_of(campaign: Campaign) -> Panel:
    """Return the panel of a campaign as it stands now."""
    look = look_of(campaign)
    if campaign.stream is None:
        return Panel(campaign, look, notices_of(campaign, figures=None))
    figures = tally(campaign.stream)
    moment = campaign.finished_at or now()
    elapsed = _seconds_since_launch(campaign, moment)
    rate = _rate(campaign, figures, moment=moment, elapsed=elapsed)
    outlook = outlook_of(campaign, figures) if campaign.status == Status.SENDING else None
    steps = recorded_steps(campaign)
    is_writing = campaign.status in UNDER_WAY and not is_whole(steps)
    is_resting = outlook is None or outlook.is_resting or campaign.sender.is_paused
    tells_time = not (is_writing or campaign.is_cancelling or campaign.sender.is_paused)
    return Panel(
        campaign,
        look,
        notices_of(campaign, figures=figures, outlook=outlook),
        figures=_figures(campaign, figures),
        reasons=_reasons(campaign, figures),
        sent=figures.sent,
        done=figures.total - figures.pending - figures.sending,
        total=figures.total,
        rate=rate,
        left=outlook.left(rate=rate) if outlook and tells_time else "",
        is_writing=is_writing,
        is_resting=is_resting,
        elapsed=on_a_clock(elapsed),
        chart=chart_of(all_handovers(campaign, until=moment), elapsed=elapsed),
        steps=lines_of(steps),
    )


def _rate(campaign: Campaign, figures: Tally, *, moment: datetime, elapsed: float) -> float:
    """Return messages per second: of late while it is under way, over the whole send afterwards."""
    if campaign.status in UNDER_WAY:
        return pace.current_rate(recent_handovers(campaign, until=moment), elapsed=elapsed)
    return figures.sent / elapsed if elapsed else 0.0


def _seconds_since_launch(campaign: Campaign, moment: datetime) -> float:
    if campaign.launched_at is None:
        return 0.0
    return max(0.0, (moment - campaign.launched_at).total_seconds())


def _figures(campaign: Campaign, figures: Tally) -> list[Figure]:
    waiting = figures.pending + figures.sending
    rows = [
        ("sent", "Sent", figures.sent, "good"),
        ("failed", "Failed", figures.failed, "bad"),
        ("skipped", "Skipped", figures.skipped, "quiet"),
        ("in_doubt", "In doubt", figures.in_doubt, "warn"),
    ]
    shown = [
        Figure(
            key, label, count, messages_url(campaign, status__exact=key), tone if count else "quiet"
        )
        for key, label, count, tone in rows
    ]
    url = messages_url(campaign, status__in="pending,sending")
    return [*shown, Figure("waiting", "Waiting", waiting, url, "calm" if waiting else "quiet")]


def _reasons(campaign: Campaign, figures: Tally) -> list[Figure]:
    ordered = sorted(figures.reasons.items(), key=lambda item: (-item[1], item[0]))
    return [
        Figure(
            reason,
            SKIPPED.get(reason, reason.replace("_", " ")),
            count,
            messages_url(campaign, reason=reason),
        )
        for reason, count in ordered
        if count
    ]


def messages_url(campaign: Campaign, **filters: str) -> str:
    """Return the list of this campaign's messages, filtered."""
    query = urlencode({"stream__id__exact": str(campaign.stream_id), **filters})
    return f"{reverse('admin:messaging_message_changelist')}?{query}"


def chart_of(taken: Sequence[pace.Handover], *, elapsed: float) -> Chart | None:
    """Return the chart of what was taken, or None while it would be no more than a beat."""
    batches = sum(handover.batches for handover in taken)
    count = min(pace.POINTS, batches // pace.BATCHES_A_POINT)
    if count < 2:
        return None
    values = pace.histogram(taken, elapsed=elapsed, bars=count)
    points = pace.line_points(values, width=CHART_WIDTH, height=CHART_HEIGHT)
    return Chart(points=points, peak=max(values))
