"""What a person chooses on their preference page: channels, and topics on each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from messaging.actions.consent import Evidence, resubscribe, unsubscribe
from messaging.actions.topics import choose_topic
from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentState,
    Contact,
    Suppression,
    SuppressionReason,
    Topic,
    TopicChoice,
)

OWN_WISHES = (SuppressionReason.UNSUBSCRIBED, SuppressionReason.STOPPED)


@dataclass(frozen=True)
class TopicPreference:
    """A topic on a channel, and whether the person gets it while the channel is on."""

    topic: Topic
    channel: Channel
    is_on: bool

    @property
    def name(self) -> str:
        """The name of its box on the page."""
        return f"{self.channel.value}.{self.topic.public_id}"


@dataclass(frozen=True)
class ChannelPreference:
    """A channel on which the person can be reached; `is_stopped` ones only they can open, by texting START."""

    channel: Channel
    is_on: bool
    is_stopped: bool
    topics: tuple[TopicPreference, ...]

    @property
    def name(self) -> str:
        """The name of its box on the page."""
        return self.channel.value


def preferences_of(contact: Contact) -> list[ChannelPreference]:
    """Return what a person may choose, and how it stands."""
    topics = list(Topic.objects.order_by("name"))
    rows = TopicChoice.objects.filter(contact=contact).values_list("topic", "channel", "state")
    choices = {(topic, channel): state for topic, channel, state in rows}
    return [_preference(contact, c, topics, choices) for c in Channel if contact.address(c)]


@transaction.atomic
def save_preferences(contact: Contact, *, wanted: Iterable[str], evidence: Evidence) -> int:
    """Record what differs from how it stands; `wanted` names the boxes that are ticked. Returns how many differed.

    A channel that was stopped by SMS shows no boxes, and stays as it is.
    """
    ticked = frozenset(wanted)
    changed = 0
    for channel in preferences_of(contact):
        if channel.is_stopped:
            continue
        changed += _save_channel(contact, channel, channel.name in ticked, evidence)
        for each in channel.topics:
            if each.is_on != (each.name in ticked):
                changed += choose_topic(
                    contact,
                    each.topic,
                    each.channel,
                    wanted=not each.is_on,
                    evidence=evidence,
                )
    return changed


def _preference(
    contact: Contact,
    channel: Channel,
    topics: Iterable[Topic],
    choices: Mapping[tuple[UUID, str], str],
) -> ChannelPreference:
    reasons = _wishes(contact, channel)
    granted = Consent.objects.filter(contact=contact, channel=channel, state=ConsentState.GRANTED)
    shown = (
        TopicPreference(topic, channel, is_on=_is_on(topic, choices.get((topic.pk, channel.value))))
        for topic in topics
    )
    return ChannelPreference(
        channel,
        is_on=not reasons and granted.exists(),
        is_stopped=SuppressionReason.STOPPED in reasons,
        topics=tuple(shown),
    )


def _is_on(topic: Topic, choice: str | None) -> bool:
    return not topic.is_opt_in if choice is None else choice == ConsentState.GRANTED


def _wishes(contact: Contact, channel: Channel) -> set[str]:
    closed = Suppression.objects.filter(
        channel=channel, address_hash=contact.address_hash_for(channel), reason__in=OWN_WISHES
    )
    return set(closed.values_list("reason", flat=True))


def _save_channel(
    contact: Contact, channel: ChannelPreference, is_wanted: bool, evidence: Evidence
) -> bool:
    if channel.is_on == is_wanted:
        return False
    if is_wanted:
        return resubscribe(
            contact,
            channel.channel,
            source=evidence.source,
            actor=evidence.actor,
            wording=evidence.wording,
            ip_address=evidence.ip_address,
        )
    return unsubscribe(
        contact,
        channel.channel,
        source=evidence.source,
        actor=evidence.actor,
        ip_address=evidence.ip_address,
    )
