"""Who may be written to: one SQL expression decides, for counting and for writing alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Value, When

from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentState,
    Contact,
    ContactList,
    ListMember,
    Suppression,
    SuppressionReason,
    Topic,
    TopicChoice,
)
from messaging.states import Purpose, Reason

SENDABLE = ""


@dataclass(frozen=True)
class AudienceCount:
    """How many people an audience holds, and how many of them may be written to now."""

    total: int
    sendable: int
    skipped: dict[str, int]


def count(
    lists: Iterable[ContactList], channel: Channel, *, topic: Topic | None = None
) -> AudienceCount:
    """Count the people on these lists, each once; those to be skipped by their first reason."""
    reasons = people_on(lists).annotate(reason=eligibility(channel, topic=topic)).values("reason")
    people = dict(reasons.annotate(people=Count("pk")).values_list("reason", "people").order_by())
    total = sum(people.values())
    sendable = people.pop(SENDABLE, 0)
    return AudienceCount(total=total, sendable=sendable, skipped=people)


def people_on(lists: Iterable[ContactList]) -> QuerySet[Contact]:
    """Return the contacts on any of these lists, each once."""
    memberships = ListMember.objects.filter(list__in=[each.pk for each in lists])
    return Contact.objects.filter(pk__in=memberships.values("contact"))


def reached(
    lists: Iterable[ContactList], channel: Channel, *, topic: Topic | None = None
) -> QuerySet[Contact]:
    """Return the contacts on these lists who may be written to."""
    return people_on(lists).annotate(why=eligibility(channel, topic=topic)).filter(why=SENDABLE)


def eligibility(
    channel: Channel,
    *,
    purpose: str = Purpose.MARKETING,
    topic: Topic | None = None,
    among: Collection[UUID] | None = None,
) -> Case:
    """Return the reason why a contact (the outer query's row) is skipped, or SENDABLE.

    The order is the order of precedence: what cannot be done, what must not, what nobody allowed. A transactional
    message needs no consent, and only an unsubscription does not stop it. Where only a few contacts are asked
    about, name them in `among`: PostgreSQL then looks their consents up instead of reading everybody's.
    """
    cases = [
        When(**{channel.address_field: None}, then=Value(Reason.NO_ADDRESS)),
        When(Exists(_suppressions(channel, purpose)), then=Value(Reason.SUPPRESSED)),
    ]
    if purpose == Purpose.MARKETING:
        cases.append(When(~Exists(_consents(channel, among)), then=Value(Reason.NO_CONSENT)))
    if purpose == Purpose.MARKETING and topic is not None:
        cases.append(When(_declines(channel, topic, among), then=Value(Reason.TOPIC_DECLINED)))
    return Case(*cases, default=Value(SENDABLE), output_field=CharField())


def _suppressions(channel: Channel, purpose: str) -> QuerySet[Suppression]:
    found = Suppression.objects.filter(
        channel=channel, address_hash=OuterRef(f"{channel.address_field}_hash")
    )
    if purpose == Purpose.TRANSACTIONAL:
        found = found.exclude(reason=SuppressionReason.UNSUBSCRIBED)
    return found


def _consents(channel: Channel, among: Collection[UUID] | None) -> QuerySet[Consent]:
    granted = Consent.objects.filter(
        contact=OuterRef("pk"), channel=channel, state=ConsentState.GRANTED
    )
    return granted if among is None else granted.filter(contact__in=among)


def _declines(channel: Channel, topic: Topic, among: Collection[UUID] | None) -> Q:
    """Return whether a contact declined a topic, or never chose one that is for those who chose it."""
    choices = TopicChoice.objects.filter(contact=OuterRef("pk"), topic=topic, channel=channel)
    if among is not None:
        choices = choices.filter(contact__in=among)
    if topic.is_opt_in:
        return ~Q(Exists(choices.filter(state=ConsentState.GRANTED)))
    return Q(Exists(choices.filter(state=ConsentState.WITHDRAWN)))
