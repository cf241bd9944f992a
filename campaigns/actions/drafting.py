"""Writing a draft: create it, change it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict, Unpack

from django.db import transaction

from campaigns.models import Campaign
from campaigns.moves import conflict
from campaigns.states import Status
from core import audit
from core.errors import Refused
from messaging.models import ContactList, Sender, Template, Topic
from messaging.states import HoldPolicy

NAME_LENGTH = 200
#: What a copy takes over, beside the lists.
COPIED = ("template", "sender", "topic", "quiet_hours", "over_cap")


class Draft(TypedDict, total=False):
    """What may be written in a draft."""

    name: str
    template: Template
    sender: Sender
    lists: Iterable[ContactList]
    topic: Topic | None
    quiet_hours: str
    over_cap: str


@transaction.atomic
def create_campaign(
    name: str,
    *,
    template: Template,
    sender: Sender,
    lists: Iterable[ContactList],
    actor: str,
    topic: Topic | None = None,
    quiet_hours: str = HoldPolicy.HOLD,
    over_cap: str = HoldPolicy.HOLD,
) -> Campaign:
    """Create a draft; raise Refused where it has no name or its parts do not fit each other.

    `quiet_hours` and `over_cap` say what becomes of a message that should not go out now: hold, skip or ignore.
    """
    _check_name(name)
    _check_channel(template, sender)
    campaign = Campaign.objects.create(
        name=name.strip(),
        template=template,
        sender=sender,
        topic=topic,
        quiet_hours=quiet_hours,
        over_cap=over_cap,
        created_by=actor,
    )
    campaign.lists.set(lists)
    audit.record("campaign.created", campaign, actor=actor)
    return campaign


@transaction.atomic
def update_campaign(campaign: Campaign, *, actor: str, **changes: Unpack[Draft]) -> Campaign:
    """Change a draft; raise Conflict once it is scheduled or has started."""
    fields = {name: value for name, value in changes.items() if name != "lists"}
    _check_name(changes.get("name", campaign.name))
    _check_channel(
        changes.get("template", campaign.template), changes.get("sender", campaign.sender)
    )
    drafts = Campaign.objects.filter(pk=campaign.pk, status=Status.DRAFT)
    if not drafts.update(status=Status.DRAFT, **fields):
        campaign.refresh_from_db()
        raise conflict(campaign, wish="be changed")
    if "lists" in changes:
        campaign.lists.set(changes["lists"])
    campaign.refresh_from_db()
    audit.record("campaign.updated", campaign, actor=actor, fields=sorted(changes))
    return campaign


@transaction.atomic
def duplicate_campaign(campaign: Campaign, *, actor: str, name: str = "") -> Campaign:
    """Make a draft with the same parts and lists, whatever became of the first; return it."""
    name = name.strip() or f"Copy of {campaign.name}"[:NAME_LENGTH]
    copy = Campaign.objects.create(
        name=name, created_by=actor, **{part: getattr(campaign, part) for part in COPIED}
    )
    copy.lists.set(campaign.lists.all())
    audit.record("campaign.created", copy, actor=actor, copy_of=campaign.public_id)
    return copy


def _check_name(name: str) -> None:
    if not name.strip():
        raise Refused("A campaign needs a name.", field="name", value=name, remedy="Give it one.")


def _check_channel(template: Template, sender: Sender) -> None:
    if template.channel != sender.channel:
        raise Refused(
            f"“{sender.name}” sends {sender.channel}, but “{template.name}” is written for "
            f"{template.channel}.",
            field="sender",
            value=sender.name,
            remedy=f"Choose a sender for {template.channel}.",
        )
