"""Whether a campaign could go out as it stands; a refusal names what is missing and its remedy."""

from __future__ import annotations

from campaigns.models import Campaign
from campaigns.wording import skipped_in_words
from core.errors import Refused
from messaging import audience
from messaging.audience import AudienceCount
from messaging.channels import Channel
from messaging.models import TemplateVersion
from messaging.providers import registry


def check_parts(campaign: Campaign) -> TemplateVersion:
    """Return the template version that would be sent; raise Refused where a part is not ready."""
    version = _version(campaign)
    _check_lists(campaign)
    registry.check_ready(campaign.sender)
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
    return audience.count(campaign.lists.all(), Channel(campaign.sender.channel))


def _version(campaign: Campaign) -> TemplateVersion:
    version = campaign.template.latest
    if version is None:
        raise Refused(
            f"The template “{campaign.template}” has no version yet.",
            field="template",
            value=campaign.template.name,
            remedy="Write its content and save it.",
        )
    return version


def _check_lists(campaign: Campaign) -> None:
    if not campaign.lists.exists():
        raise Refused(
            f"“{campaign.name}” has no list.",
            field="lists",
            value=[],
            remedy="Choose at least one list of contacts.",
            code="empty_audience",
        )
