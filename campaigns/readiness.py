"""Whether a campaign could go out as it stands; a refusal names what is missing and its remedy."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from django.db.models import QuerySet

from campaigns.models import Campaign
from campaigns.wording import skipped_in_words
from core.errors import Refused
from messaging import audience, estimates, gaps
from messaging.actions.templates import latest_version
from messaging.audience import AudienceCount
from messaging.channels import Channel
from messaging.gaps import Gap, Lacking
from messaging.models import Contact, Sender, TemplateVersion
from messaging.providers import registry
from messaging.rendering import TemplateError, compiled


def check_parts(campaign: Campaign) -> TemplateVersion:
    """Return the template version that would be sent; raise Refused where a part is not ready."""
    version = latest_version(campaign.template)
    _check_variables(campaign, version)
    _check_lists(campaign)
    _check_sender(campaign.sender)
    return version


def check_audience(campaign: Campaign) -> AudienceCount:
    """Return whom it would reach; raise Refused where that is nobody, saying why."""
    count = count_audience(campaign)
    if count.sendable:
        return count
    why = skipped_in_words(count.skipped)
    raise Refused(
        f"Nobody would get “{campaign.name}”: 0 of {count.total:,} people on its lists can be "
        f"written to{f' ({why})' if why else ''}.",
        field="lists",
        value=[contact_list.name for contact_list in campaign.lists.all()],
        remedy="Choose a list with people who agreed to be written to.",
        code="empty_audience",
    )


def count_audience(campaign: Campaign) -> AudienceCount:
    """Return how many people its lists hold, and how many of them may be written to."""
    channel = Channel(campaign.sender.channel)
    return audience.count(campaign.lists.all(), channel, topic=campaign.topic)


def count_gaps(campaign: Campaign) -> list[Gap]:
    """Return what its template needs of people and some of those whom it would reach lack."""
    version = campaign.template.latest
    return gaps.gaps(version, _reached(campaign)) if version else []


def list_gaps(campaign: Campaign, *, limit: int) -> list[Lacking]:
    """Return the first people whom it would reach and who lack something, with what it is."""
    version = campaign.template.latest
    return gaps.who_lacks(version, _reached(campaign), limit=limit) if version else []


def _reached(campaign: Campaign) -> QuerySet[Contact]:
    channel = Channel(campaign.sender.channel)
    return audience.reached(campaign.lists.all(), channel, topic=campaign.topic)


def bill_of(campaign: Campaign, *, people: int) -> str:
    """Return in words about what an SMS to so many people is billed as; nothing for an e-mail."""
    version = campaign.template.latest
    if campaign.sender.channel != Channel.SMS or version is None:
        return ""
    bill = estimates.estimate(
        version,
        reached=_reached(campaign),
        sender=campaign.sender,
        title=campaign.name,
        people=people,
    )
    return bill.in_words


def _check_lists(campaign: Campaign) -> None:
    if not campaign.lists.exists():
        raise Refused(
            f"“{campaign.name}” has no list.",
            field="lists",
            value=[],
            remedy="Choose at least one list of contacts.",
            code="empty_audience",
        )


def _check_sender(sender: Sender) -> None:
    if sender.is_paused:
        raise Refused(
            f"The sender “{sender.name}” is paused: {sender.paused_reason}",
            field="sender",
            value=sender.name,
            remedy="Resume it, or choose another sender.",
            code="sender_paused",
        )
    registry.check_ready(sender)


def _check_variables(campaign: Campaign, version: TemplateVersion) -> None:
    """Write the template to anyone: what is no person's and has no value here has none for nobody."""
    try:
        compiled(version).render(_for_anyone(campaign))
    except TemplateError as error:
        if error.variable.startswith(("campaign.", "data.", "event.")):
            raise Refused(
                f"The template “{campaign.template}” uses {error.variable!r}, "
                "which a campaign does not have.",
                field="template",
                value=error.variable,
                remedy="Give it a default in the template, or remove it: campaigns know only "
                "campaign.name.",
                code="unknown_variable",
            ) from error


def _for_anyone(campaign: Campaign) -> dict[str, Any]:
    """Return what a message of this campaign is made of, with an empty person."""
    return {
        "contact": defaultdict(str, attributes=defaultdict(str)),
        "campaign": {"name": campaign.name},
        "data": {},
        "event": {},
        "sender": defaultdict(str),
        "unsubscribe_url": "",
        "preferences_url": "",
        "content": {},
    }
