"""The live panel: everything the page shows of a campaign at one moment, ready to be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from campaigns import pace
from campaigns.appearance import in_its_zone, look_of
from campaigns.handovers import handovers
from campaigns.models import Campaign
from campaigns.notices import notices_of
from campaigns.outlook import outlook_of
from campaigns.states import UNDER_WAY, Status
from campaigns.steps import StepLine, steps_of
from campaigns.wording import SKIPPED
from core.clock import now
from core.durations import on_a_clock
from core.live import Figure, Look, Notice
from messaging.streams import Tally, tally

CHART_WIDTH, CHART_HEIGHT = 600, 80
#: A point of the chart stands for several batches, so that it shows the pace and not the beat.
CHART_POINTS, BATCHES_A_POINT = 60, 3


@dataclass(frozen=True)
class Chart:
    """Messages per second over the whole send, as one line."""

    points: str
    peak: float
    width: int = CHART_WIDTH
    height: int = CHART_HEIGHT

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
    done: int = 0
    total: int = 0
    rate: float = 0.0
    left: str = ""
    is_resting: bool = False
    elapsed: str = ""
    chart: Chart | None = None
    steps: Sequence[StepLine] = field(default=())

    @property
    def percent(self) -> int:
        """How much is settled; 100 only when everything is."""
        return self.done * 100 // self.total if self.total else 0

    @property
    def settled(self) -> str:
        """The progress in words."""
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
        return "10s" if self.is_moving or self.campaign.status == Status.SCHEDULED else ""

    @property
    def rate_in_words(self) -> str:
        """How fast it goes now, or went; a campaign that is paused or rests goes nowhere."""
        if self.campaign.status == Status.PAUSED or (self.is_moving and self.is_resting):
            return "Nothing goes out now"
        when = "now" if self.is_moving else "on average"
        return f"{self.rate:,.3g} messages a second {when}"

    @property
    def heard(self) -> str:
        """What a listener was told last: it changes with the status and at each tenth."""
        return f"{self.look.word}-{self.percent // 10}".lower().replace(" ", "-")

    @property
    def announcement(self) -> str:
        """The sentence for people who listen instead of looking."""
        if not self.total:
            return f"{self.look.word}."
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
    taken = handovers(campaign, until=moment)
    rate = pace.current_rate(taken, elapsed=elapsed)
    if campaign.status not in UNDER_WAY:
        rate = figures.sent / elapsed if elapsed else 0.0
    outlook = outlook_of(campaign, figures) if campaign.status == Status.SENDING else None
    return Panel(
        campaign,
        look,
        notices_of(campaign, figures=figures, outlook=outlook),
        figures=_figures(campaign, figures),
        reasons=_reasons(campaign, figures),
        done=figures.total - figures.pending - figures.sending,
        total=figures.total,
        rate=rate,
        left=outlook.left(rate=rate) if outlook and not campaign.is_cancelling else "",
        is_resting=outlook.is_resting if outlook else campaign.status == Status.PAUSED,
        elapsed=on_a_clock(elapsed),
        chart=chart_of(taken, elapsed=elapsed),
        steps=steps_of(campaign),
    )


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
    count = min(CHART_POINTS, len(taken) // BATCHES_A_POINT)
    if count < 2:
        return None
    values = pace.histogram(taken, elapsed=elapsed, bars=count)
    points = pace.line_points(values, width=CHART_WIDTH, height=CHART_HEIGHT)
    return Chart(points=points, peak=max(values))
