"""The streams of a launched funnel: one per step and channel, which can be counted, held and closed."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from core.errors import Refused
from funnels.models import Event, FunnelVersion, Launch, Step, StepStream
from funnels.states import Anchor, LaunchStatus
from messaging.channels import Channel
from messaging.models import Sender, Stream
from messaging.states import HoldPolicy
from messaging.streams import pause_stream, standing_stream

#: What leads to an event goes out before what follows it, and both before newsletters.
BEFORE_PRIORITY, PRIORITY = 60, 40
Streams = dict[tuple[UUID, str], Stream]


def streams_of(launch: Launch, version: FunnelVersion) -> Streams:
    """Return the stream of each step and channel of a published version; open those that are missing."""
    found = _opened(launch, version)
    steps = version.steps.select_related("email_version__template", "sms_version__template")
    wanted = {(step.pk, channel.value): step for step in steps for channel in step.frozen}
    missing = wanted.keys() - found.keys()
    for key in sorted(missing, key=str):
        _open(launch, wanted[key], Channel(key[1]))
    return _opened(launch, version) if missing else found


def of_event(event: Event) -> QuerySet[StepStream]:
    """Return every stream of an event's funnels."""
    return StepStream.objects.filter(launch__event=event).select_related("stream", "step")


def _opened(launch: Launch, version: FunnelVersion) -> Streams:
    rows = StepStream.objects.filter(launch=launch, step__version=version)
    rows = rows.select_related("stream__sender")
    return {(row.step_id, row.channel): row.stream for row in rows}


def _open(launch: Launch, step: Step, channel: Channel) -> None:
    stream = standing_stream(
        f"funnel/{launch.public_id}/{step.public_id}",
        title=f"{launch.event.title}: {step.name}"[:200],
        sender=_sender(step, channel),
        template_version=step.frozen[channel],
        data=launch.event.data,
        priority=BEFORE_PRIORITY if step.anchor == Anchor.START else PRIORITY,
        quiet_hours=step.quiet_hours,
        over_cap=HoldPolicy.IGNORE,
    )
    StepStream.objects.get_or_create(
        launch=launch, step=step, channel=channel, defaults={"stream": stream}
    )
    if launch.status == LaunchStatus.PAUSED:
        pause_stream(stream)


def _sender(step: Step, channel: Channel) -> Sender:
    sender = step.version.sender_of(channel)
    if sender is None:
        raise Refused(f"“{step.version}” names no sender for {channel.label}.", field="sender")
    return sender
