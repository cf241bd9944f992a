"""A funnel drawn as a flow: stretches between anchors, their steps, their branches, and how many people stand where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.urls import reverse

from core.live import Figure
from funnels.models import Event, FunnelVersion, Launch, Step, StepStream
from funnels.planning import due_at
from funnels.states import Anchor, Condition, Why
from funnels.unwritten import ENDED, UNDECIDED, WAITING, unwritten
from messaging.channels import Channel
from messaging.models import Stream
from messaging.states import Reason
from messaging.streams import tally

REASONS = dict(Reason.choices)
NOT_WRITTEN = {**dict(Why.choices), ENDED: "Ended before"}
TITLES = {
    Anchor.ENROLLED: ("Somebody enrolls", "how_to_reg"),
    Anchor.START: ("The event starts", "play_circle"),
    Anchor.END: ("It ends", "stop_circle"),
    Anchor.SETTLED: ("It is known who came", "fact_check"),
}


@dataclass(frozen=True)
class Lane:
    """What became of a step on one channel."""

    channel: str
    template: str
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True)
class Node:
    """One step: its name, when it comes in words and as a moment, and its lanes."""

    name: str
    when: str
    at: datetime | None
    lanes: tuple[Lane, ...]
    condition: str


@dataclass(frozen=True)
class Stretch:
    """An anchor, what leads to it, and what follows it: for everybody, and by branch."""

    title: str
    icon: str
    at: datetime | None
    before: tuple[Node, ...] = ()
    common: tuple[Node, ...] = ()
    branches: tuple[tuple[str, tuple[Node, ...]], ...] = field(default=())


def flow_of(
    version: FunnelVersion, *, event: Event | None = None, launch: Launch | None = None
) -> list[Stretch]:
    """Return a version as it is drawn: with moments for an event, and with counts for a launch."""
    steps = list(
        version.steps.select_related(
            "email_template", "sms_template", "email_version", "sms_version"
        )
    )
    streams = _streams(launch, version) if launch else {}
    nodes = {step: _node(step, event, launch, streams) for step in steps}
    return [
        _stretch(anchor, [nodes[s] for s in steps if s.anchor == anchor], steps, event)
        for anchor in Anchor
        if anchor in (Anchor.ENROLLED, Anchor.START) or any(s.anchor == anchor for s in steps)
    ]


def _stretch(
    anchor: Anchor, nodes: Sequence[Node], steps: Iterable[Step], event: Event | None
) -> Stretch:
    title, icon = TITLES[anchor]
    leading = {step.name for step in steps if step.offset.is_before}
    following = [node for node in nodes if node.name not in leading]
    branches = (
        (str(condition.label), tuple(n for n in following if n.condition == condition))
        for condition in (Condition.ATTENDED, Condition.NO_SHOW)
    )
    return Stretch(
        title,
        icon,
        _moment(anchor, event),
        before=tuple(sorted((n for n in nodes if n.name in leading), key=_by_moment)),
        common=tuple(n for n in following if n.condition == Condition.ANY),
        branches=tuple(branch for branch in branches if branch[1]),
    )


def _by_moment(node: Node) -> float:
    return node.at.timestamp() if node.at else 0.0


def _moment(anchor: Anchor, event: Event | None) -> datetime | None:
    if event is None or anchor == Anchor.ENROLLED:
        return None
    return event.facts.anchor(anchor, enrolled_at=event.starts_at).astimezone(event.zone)


def _node(
    step: Step,
    event: Event | None,
    launch: Launch | None,
    streams: dict[tuple[object, str], Stream],
) -> Node:
    at = None
    if event is not None and step.anchor != Anchor.ENROLLED:
        at = due_at(step.facts, event.facts, enrolled_at=event.starts_at).astimezone(event.zone)
    lanes = tuple(
        Lane(
            channel.label,
            template.name,
            _figures(launch, step, streams.get((step.pk, channel.value))),
        )
        for channel, template in step.templates.items()
    )
    return Node(step.name, step.offset.in_words, at, lanes, step.condition)


def _figures(launch: Launch | None, step: Step, stream: Stream | None) -> tuple[Figure, ...]:
    """Return how a step stands for everybody; what there is none of is left out, but for waiting and sent."""
    if launch is None or stream is None:
        return ()
    count, others = tally(stream), unwritten(launch, step, stream)
    why = {reason: n for reason, n in count.reasons.items() if reason in REASONS}
    skipped = [
        Figure(
            f"skipped-{reason}", f"skipped: {REASONS[reason].lower()}", n, _list(stream, "skipped")
        )
        for reason, n in sorted(why.items())
    ]
    figures = [
        Figure(
            "waiting",
            "waiting",
            count.pending + count.sending + others.pop(WAITING, 0),
            _list(stream, "pending"),
            "calm",
        ),
        Figure("undecided", "until it is known who came", others.pop(UNDECIDED, 0), tone="calm"),
        Figure("sent", "sent", count.sent, _list(stream, "sent"), "good"),
        *(skipped if count.skipped else ()),
        *(
            Figure(f"unwritten-{why}", f"skipped: {NOT_WRITTEN[why].lower()}", number)
            for why, number in sorted(others.items())
        ),
        Figure("failed", "failed", count.failed, _list(stream, "failed"), "bad"),
        Figure("in_doubt", "in doubt", count.in_doubt, _list(stream, "in_doubt"), "warn"),
    ]
    always = ("waiting", "sent")
    return tuple(figure for figure in figures if figure.count or figure.key in always)


def _list(stream: Stream, status: str) -> str:
    where = urlencode({"stream__id__exact": stream.pk, "status__exact": status})
    return f"{reverse('admin:messaging_message_changelist')}?{where}"


def _streams(launch: Launch, version: FunnelVersion) -> dict[tuple[object, str], Stream]:
    rows = StepStream.objects.filter(launch=launch, step__version=version).select_related("stream")
    return {(row.step_id, Channel(row.channel).value): row.stream for row in rows}
