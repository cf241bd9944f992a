"""Writing funnels: a funnel, the draft of a version, its steps, and publishing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from core import audit, clock
from core.errors import Conflict, Refused
from funnels.models import Funnel, FunnelVersion, Step
from funnels.states import Anchor, Condition, Direction, Unit
from messaging.actions.templates import latest_version
from messaging.channels import Channel
from messaging.models import Sender

#: What a step says: what staff edit, and what is copied when a version is drafted from another.
STEP_PARTS = (
    "position",
    "name",
    "amount",
    "unit",
    "direction",
    "anchor",
    "local_time",
    "email_template",
    "sms_template",
    "condition",
    "late_policy",
    "late_minutes",
    "quiet_hours",
)


@transaction.atomic
def create_funnel(
    name: str,
    *,
    actor: str,
    starts_per_minute: int | None = None,
    at_once: int | None = None,
) -> Funnel:
    """Make a funnel with an empty draft; raise Conflict where its name is taken."""
    try:
        with transaction.atomic():
            funnel = Funnel.objects.create(
                name=_name(name), starts_per_minute=starts_per_minute, at_once=at_once
            )
    except IntegrityError:
        raise _taken(name) from None
    FunnelVersion.objects.create(funnel=funnel, number=1, created_by=actor)
    audit.record("funnel.created", funnel, actor=actor)
    return funnel


@transaction.atomic
def update_funnel(funnel: Funnel, *, actor: str, **changes: Any) -> Funnel:
    """Change a funnel's name or pace; people on their way keep the pace they began with."""
    if "name" in changes:
        changes["name"] = _name(changes["name"])
    try:
        with transaction.atomic():
            Funnel.objects.filter(pk=funnel.pk).update(**changes)
    except IntegrityError:
        raise _taken(changes["name"]) from None
    funnel.refresh_from_db()
    audit.record("funnel.changed", funnel, actor=actor, fields=sorted(changes))
    return funnel


@transaction.atomic
def draft_version(funnel: Funnel, *, actor: str) -> FunnelVersion:
    """Return the draft of a funnel: the present one, else a copy of its newest version."""
    Funnel.objects.select_for_update().get(pk=funnel.pk)
    if draft := funnel.draft:
        return draft
    latest = funnel.versions.order_by("-number").first()
    draft = FunnelVersion.objects.create(
        funnel=funnel,
        number=latest.number + 1 if latest else 1,
        email_sender=latest.email_sender if latest else None,
        sms_sender=latest.sms_sender if latest else None,
        created_by=actor,
    )
    steps = latest.steps.all() if latest else ()
    Step.objects.bulk_create(
        Step(version=draft, **{part: getattr(step, part) for part in STEP_PARTS}) for step in steps
    )
    audit.record("funnel.drafted", funnel, actor=actor, version=draft.number)
    return draft


@transaction.atomic
def write_steps(version: FunnelVersion, steps: Sequence[dict[str, Any]]) -> None:
    """Replace the steps of a draft."""
    check_draft(version)
    version.steps.all().delete()
    Step.objects.bulk_create(
        Step(**{"version": version, "position": position, **step})
        for position, step in enumerate(steps)
    )


@transaction.atomic
def publish(version: FunnelVersion, *, actor: str) -> FunnelVersion:
    """Freeze a draft, with its templates as they stand: whoever enrolls from now on goes this way.

    Raises Refused naming the step that cannot go out, Conflict where it was published before.
    """
    version = FunnelVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    check_draft(version)
    steps = list(version.steps.select_related("email_template", "sms_template"))
    check_steps(version, steps)
    for step in steps:
        for channel, template in step.templates.items():
            setattr(step, f"{channel.value}_version", latest_version(template))
        step.save(update_fields=["email_version", "sms_version"])
    FunnelVersion.objects.filter(pk=version.pk).update(published_at=clock.now(), published_by=actor)
    version.refresh_from_db()
    audit.record("funnel.published", version.funnel, actor=actor, version=version.number)
    return version


def check_draft(version: FunnelVersion) -> None:
    """Raise Conflict where a version cannot be changed any more."""
    if not FunnelVersion.objects.filter(pk=version.pk, published_at=None).exists():
        raise Conflict(
            f"“{version}” is published and never changes.",
            field="version",
            value=version.public_id,
            remedy="Draft the next version.",
        )


def check_steps(version: FunnelVersion, steps: Sequence[Step]) -> None:
    """Raise Refused where a version cannot be published as it stands."""
    if not steps:
        raise Refused(
            f"“{version}” has no step.", field="steps", value=[], remedy="Write at least one."
        )
    for step in steps:
        check_step(step)
        for channel in step.templates:
            _check_sender(version.sender_of(channel), channel, step)


def check_step(step: Step) -> None:
    """Raise Refused where a step comes when it makes no sense, or says nothing."""
    if not step.templates:
        raise _refused(step, "email_template", "", "has no template", "Choose one.")
    if step.anchor == Anchor.START and step.direction == Direction.AFTER and step.amount:
        raise _refused(
            step,
            "direction",
            step.offset.in_words,
            "would come after the event has begun",
            "Choose “before”, or count it from the event's end.",
        )
    if step.offset.is_before and step.anchor not in (Anchor.START, Anchor.END):
        raise _refused(
            step,
            "direction",
            step.offset.in_words,
            "lies before what it is counted from can be known",
            "Choose “after”.",
        )
    if step.local_time and step.unit != Unit.DAYS:
        raise _refused(
            step,
            "local_time",
            f"{step.local_time:%H:%M}",
            "has a time of day, but counts hours",
            "Count whole days, or leave the time out.",
        )
    if step.condition != Condition.ANY and step.anchor in (Anchor.ENROLLED, Anchor.START):
        raise _refused(
            step,
            "condition",
            step.get_condition_display(),
            "asks who came before anybody could",
            "Count it from the event's end, or from attendance being known.",
        )


def _refused(step: Step, field: str, value: str, what: str, remedy: str) -> Refused:
    return Refused(f"The step “{step.name}” {what}.", field=field, value=value, remedy=remedy)


def _check_sender(sender: Sender | None, channel: Channel, step: Step) -> None:
    if sender is None:
        raise Refused(
            f"The step “{step.name}” goes out by {channel.label}, and no sender is named for that.",
            field=f"{channel.value}_sender",
            remedy="Choose one.",
        )


def _name(name: str) -> str:
    if not name.strip():
        raise Refused("A funnel needs a name.", field="name", value=name, remedy="Give it one.")
    return name.strip()


def _taken(name: str) -> Conflict:
    return Conflict(
        f"There is already a funnel named {name!r}.",
        field="name",
        value=name,
        remedy="Use that one, or choose another name.",
    )
