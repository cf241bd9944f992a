"""An event with so many people who agreed to everything, made set-wise; and what became of them."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from core import clock
from funnels.actions import (
    create_event,
    enroll,
    launch_funnel,
    settle_event,
    update_event,
    withdraw,
)
from funnels.models import Enrollment, Event, Funnel, Launch, Registration
from funnels.planning import due_at
from funnels.standard import AFTER, BEFORE, install_funnels
from funnels.states import Anchor
from messaging.channels import Channel
from messaging.models import Consent, Contact, Message, Sender

ACTOR = "command:stage"
LASTS = timedelta(hours=1)
LEAD = timedelta(days=14)


def make_crowd(count: int, *, chunk: int = 5_000) -> list[Any]:
    """Make people with an address and a number who agreed to both; return their keys."""
    keys: list[Any] = []
    for start in range(0, count, chunk):
        people = []
        for number in range(start, min(start + chunk, count)):
            person = Contact(first_name=f"Ada{number}", last_name="Lovelace")
            person.set_addresses(email=f"guest{number}@example.com", phone=f"+2782{number:07d}")
            people.append(person)
        Contact.objects.bulk_create(people)
        Consent.objects.bulk_create(
            Consent(contact=person, channel=channel, state="granted")
            for person in people
            for channel in Channel
        )
        keys += [person.pk for person in people]
    return keys


def make_event(*, provider: str, rate: float | None, lanes: int) -> Event:
    """Plan an event in a fortnight, with both standard funnels launched for it."""
    email = Sender.objects.create(
        name="Events",
        provider=provider,
        from_email="events@example.com",
        rate_per_second=rate,
        lanes=lanes,
    )
    texts = Sender.objects.create(
        name="Texts", channel=Channel.SMS, from_number="+27825550134", lanes=1
    )
    install_funnels(actor=ACTOR, email_sender=email, sms_sender=texts)
    Funnel.objects.update(starts_per_minute=None)
    starts_at = (clock.now() + LEAD).replace(microsecond=0)
    event = create_event(
        title="Open day",
        starts_at=starts_at,
        ends_at=starts_at + LASTS,
        time_zone="Africa/Johannesburg",
        join_url="https://example.com/join",
        actor=ACTOR,
    )
    for name in (BEFORE, AFTER):
        launch_funnel(Funnel.objects.get(name=name), event, actor=ACTOR)
    return event


def enroll_everybody(event: Event) -> int:
    people = Contact.objects.order_by("pk").values_list("pk", flat=True)
    return enroll(event, people.iterator(), actor=ACTOR).new


def move(event: Event, by: timedelta) -> None:
    update_event(event, starts_at=event.starts_at + by, ends_at=event.ends_at + by, actor=ACTOR)


def withdraw_some(event: Event, count: int) -> None:
    for registration in event.registrations.order_by("pk")[:count]:
        withdraw(registration, actor=ACTOR)


def let_half_come(event: Event) -> None:
    """Let every second of those who are registered have been seen for half an hour."""
    ours = event.registrations.filter(status="registered").order_by("pk")
    keys = list(ours.values_list("pk", flat=True))
    Registration.objects.filter(pk__in=keys[::2]).update(attended_seconds=1_800)


def settle(event: Event) -> None:
    settle_event(event, actor=ACTOR)


def outcome(event: Event) -> dict[str, Any]:
    """Return the ledger by step, channel and fate; how many went too early; and how the people stand."""
    counts: Counter[str] = Counter()
    early = 0
    for launch in Launch.objects.filter(event=event):
        for each in launch.step_streams.select_related("step"):
            rows = Message.objects.filter(stream=each.stream_id)
            for status, reason in rows.values_list("status", "reason"):
                counts[f"{each.step.name} {each.channel} {reason or status}"] += 1
            if each.step.anchor != Anchor.ENROLLED:
                due = due_at(each.step.facts, event.facts, enrolled_at=event.starts_at)
                early += rows.filter(status="sent", settled_at__lt=due).count()
    return {
        "ledger": dict(sorted(counts.items())),
        "early": early,
        "enrollments": dict(Counter(Enrollment.objects.values_list("status", flat=True))),
    }
