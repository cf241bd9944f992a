"""What came of the messages of some streams: how many were delivered, opened, clicked and so on, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from messaging import lives
from messaging.channels import Channel
from messaging.charting import Series, points, series_of, span_of, step_for
from messaging.life import Stage
from messaging.models import Message, Stream, Template
from messaging.states import MessageStatus

WIDTH, HEIGHT = 320, 48
#: What may come of a send, with the tone of each.
SHOWN = (
    (Stage.DELIVERED, "Delivered", "good"),
    (Stage.OPENED, "Opened", "calm"),
    (Stage.CLICKED, "Clicked", "calm"),
    (Stage.FAILED, "Undelivered", "bad"),
    (Stage.SUPPRESSED, "Suppressed", "bad"),
    (Stage.BOUNCED, "Bounced", "bad"),
    (Stage.COMPLAINED, "Complained", "bad"),
    (Stage.UNSUBSCRIBED, "Unsubscribed", "warn"),
)
#: What staff ask about on each channel, though it be none; the others are shown where they came about.
ASKED = {
    Channel.EMAIL: {
        Stage.DELIVERED,
        Stage.OPENED,
        Stage.CLICKED,
        Stage.BOUNCED,
        Stage.COMPLAINED,
        Stage.UNSUBSCRIBED,
    },
    Channel.SMS: {Stage.DELIVERED, Stage.FAILED, Stage.UNSUBSCRIBED},
}
ONE_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Line:
    """One kind of happening over time."""

    stage: Stage
    label: str
    tone: str
    series: Series
    sent: int

    @property
    def count(self) -> int:
        return self.series.total

    @property
    def share(self) -> str:
        """The share of what was sent: `97.5 %`."""
        return f"{self.count * 100 / self.sent:.3g} %" if self.sent else "–"

    @property
    def points(self) -> str:
        return points(self.series.values, width=WIDTH, height=HEIGHT, top=self.series.peak)

    @property
    def area(self) -> str:
        return f"0,{HEIGHT} {self.points} {WIDTH},{HEIGHT}"

    @property
    def description(self) -> str:
        """What the drawing shows, for those who do not see it."""
        return (
            f"{self.label}: {self.count:,} in all, at most {self.series.peak:,} in a slice of time"
        )


@dataclass(frozen=True)
class Results:
    """Everything that is drawn of some streams."""

    sent: int
    lines: Sequence[Line]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def start(self) -> datetime | None:
        return self.lines[0].series.start if self.lines else None

    @property
    def end(self) -> datetime | None:
        series = self.lines[0].series if self.lines else None
        return series.moments()[-1] + series.step if series else None

    @property
    def slice_in_words(self) -> str:
        hours = int(self.lines[0].series.step / ONE_HOUR) if self.lines else 1
        if hours % 24:
            return "hour" if hours == 1 else f"{hours} hours"
        return "day" if hours == 24 else f"{hours // 24} days"

    @property
    def summary(self) -> str:
        """The numbers in one sentence."""
        told = ", ".join(f"{line.share} {line.label.lower()}" for line in self.lines)
        return f"{self.sent:,} sent: {told}" if self.lines else f"{self.sent:,} sent"

    def rows(self) -> list[tuple[datetime, list[int]]]:
        """Return the table behind the drawings: a moment, and the counts of its slice; empty slices are left out."""
        if not self.lines:
            return []
        columns = zip(*(line.series.values for line in self.lines), strict=True)
        moments = self.lines[0].series.moments()
        return [(at, list(row)) for at, row in zip(moments, columns, strict=True) if any(row)]


def results_of(streams: QuerySet[Stream], *, sent: int | None = None) -> Results:
    """Return what came of the messages of some streams, from the counts by the hour; `sent` where it is known."""
    counts: dict[str, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for stage, hour, count in lives.hours(streams).values_list("stage", "hour", "count"):
        counts[stage][hour] += count
    if sent is None:
        sent = Message.objects.filter(stream__in=streams, status=MessageStatus.SENT).count()
    span = span_of(hour for stage, _, _ in SHOWN for hour in counts[stage])
    if span is None:
        return Results(sent, ())
    start, end = span
    step = step_for(end - start)
    asked = ASKED[Channel(streams.values_list("sender__channel", flat=True)[0])]
    lines = [
        Line(stage, label, tone, series_of(counts[stage], start=start, end=end, step=step), sent)
        for stage, label, tone in SHOWN
        if stage in asked or any(counts[stage].values())
    ]
    return Results(sent, lines)


def streams_of_template(template: Template) -> QuerySet[Stream]:
    """Return every stream that sent a version of a template."""
    return Stream.objects.filter(template_version__template=template)
