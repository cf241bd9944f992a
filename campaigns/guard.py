"""Stops a campaign whose messages bounce or are complained about too often, before its sender's name suffers."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from campaigns.actions.control import pause_campaign
from campaigns.models import Campaign
from core import audit
from core.errors import Conflict
from messaging import lives
from messaging.alerts import raise_alert
from messaging.life import Stage
from messaging.streams import Tally

#: One complaint among few messages is chance: fewer than so many stop nothing.
FEWEST_TROUBLES = 3


@dataclass(frozen=True)
class Rates:
    """How many messages of a campaign were sent, bounced and were complained about."""

    sent: int = 0
    bounced: int = 0
    complained: int = 0

    def since(self, before: Rates) -> Rates:
        """Return what was added to an earlier count."""
        return Rates(
            self.sent - before.sent,
            self.bounced - before.bounced,
            self.complained - before.complained,
        )


def is_too_much(troubles: int, *, sent: int, percent: float | None, sample: int) -> bool:
    """Say whether so many of what was sent are too many; never before the sample is reached."""
    if percent is None or sent < sample or troubles < FEWEST_TROUBLES:
        return False
    return troubles * 100 > percent * sent


def why_stop(
    rates: Rates, *, max_bounce: float | None, max_complaint: float | None, sample: int
) -> str:
    """Return why a campaign with these rates must stop, or nothing."""
    for troubles, percent, word in (
        (rates.complained, max_complaint, "complained about"),
        (rates.bounced, max_bounce, "returned as undeliverable"),
    ):
        if is_too_much(troubles, sent=rates.sent, percent=percent, sample=sample):
            return (
                f"{troubles:,} of {rates.sent:,} messages were {word}: "
                f"{_percent(troubles, of=rates.sent)} %, and the limit is {percent:g} %."
            )
    return ""


def _percent(part: int, *, of: int) -> str:
    share = part * 100 / of
    return f"{share:.0f}" if share >= 10 else f"{share:.2g}"


def guard(campaign: Campaign, figures: Tally) -> bool:
    """Pause a campaign that is above a limit of its sender, and alert staff; tell whether it did.

    A person who resumes it has looked: from then on only what is sent afterwards is judged, by a new sample.
    """
    sender = campaign.sender
    if figures.sent < sender.guard_sample:
        return False
    rates = rates_of(campaign, figures)
    why = why_stop(
        rates.since(Rates(**campaign.judged_from)),
        max_bounce=sender.max_bounce_percent,
        max_complaint=sender.max_complaint_percent,
        sample=sender.guard_sample,
    )
    return bool(why) and _stop(campaign, rates, why=why)


def rates_of(campaign: Campaign, figures: Tally) -> Rates:
    """Return the rates of a campaign as they stand."""
    counts = lives.counts([campaign.ledger])
    return Rates(figures.sent, counts[Stage.BOUNCED], counts[Stage.COMPLAINED])


def _stop(campaign: Campaign, rates: Rates, *, why: str) -> bool:
    try:
        with transaction.atomic():
            pause_campaign(campaign, reason=why, actor=audit.SYSTEM)
            Campaign.objects.filter(pk=campaign.pk).update(judged_from=vars(rates))
            raise_alert(f"The campaign “{campaign.name}” is paused", _what_to_do(campaign, why))
    except Conflict:  # a person was faster
        return False
    return True


def _what_to_do(campaign: Campaign, why: str) -> str:
    page = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
    return (
        f"“{campaign.name}” has paused itself. {why}\n\n"
        "What was handed over still arrives; nothing else goes out until a person resumes it.\n"
        "Look where these addresses came from before you press “Resume”, or cancel the campaign: "
        f"{settings.PUBLIC_URL}{page}\n"
    )
