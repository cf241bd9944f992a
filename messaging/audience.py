"""Who may be written to: one SQL expression decides, for counting and for writing alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Case, CharField, Count, Exists, OuterRef, QuerySet, Value, When

from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentState,
    Contact,
    ContactList,
    ListMember,
    Suppression,
)
from messaging.states import Reason

SENDABLE = ""


@dataclass(frozen=True)
class AudienceCount:
    """How many people an audience holds, and how many of them may be written to now."""

    total: int
    sendable: int
    skipped: dict[str, int]


def count(lists: Iterable[ContactList], channel: Channel) -> AudienceCount:
    """Count the people on these lists, each once; those to be skipped by their first reason."""
    reasons = people_on(lists).annotate(reason=eligibility(channel)).values("reason")
    people = dict(reasons.annotate(people=Count("pk")).values_list("reason", "people").order_by())
    total = sum(people.values())
    sendable = people.pop(SENDABLE, 0)
    return AudienceCount(total=total, sendable=sendable, skipped=people)


def people_on(lists: Iterable[ContactList]) -> QuerySet[Contact]:
    """Return the contacts on any of these lists, each once."""
    memberships = ListMember.objects.filter(list__in=[each.pk for each in lists])
    return Contact.objects.filter(pk__in=memberships.values("contact"))


def eligibility(channel: Channel, *, among: Collection[UUID] | None = None) -> Case:
    """Return the reason why a contact (the outer query's row) is skipped, or SENDABLE.

    The order is the order of precedence: what cannot be done, what must not, what nobody allowed.
    Where only a few contacts are asked about, name them in `among`: PostgreSQL then looks their
    consents up instead of reading everybody's.
    """
    suppressions = Suppression.objects.filter(
        channel=channel, address_hash=OuterRef(f"{channel.address_field}_hash")
    )
    consents = Consent.objects.filter(
        contact=OuterRef("pk"), channel=channel, state=ConsentState.GRANTED
    )
    if among is not None:
        consents = consents.filter(contact__in=among)
    return Case(
        When(**{channel.address_field: None}, then=Value(Reason.NO_ADDRESS)),
        When(Exists(suppressions), then=Value(Reason.SUPPRESSED)),
        When(~Exists(consents), then=Value(Reason.NO_CONSENT)),
        default=Value(SENDABLE),
        output_field=CharField(),
    )
