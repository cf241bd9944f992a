"""Topics: what staff name, and what people say about them."""

from __future__ import annotations

from dataclasses import asdict

from django.db import IntegrityError, transaction

from core import audit, clock
from core.errors import Conflict, Refused
from messaging.actions.consent import Evidence
from messaging.attributes import clean_text
from messaging.channels import Channel
from messaging.models import ConsentEvent, ConsentState, Contact, Topic, TopicChoice


def create_topic(*, name: str, actor: str, description: str = "", is_opt_in: bool = False) -> Topic:
    """Name a topic; raise Conflict where one of that name stands, in whatever case."""
    topic = Topic(**_clean(name, description), is_opt_in=is_opt_in)
    try:
        with transaction.atomic():
            topic.save(force_insert=True)
            audit.record("topic.created", topic, actor=actor)
    except IntegrityError:
        raise _name_is_taken(topic.name) from None
    return topic


def update_topic(topic: Topic, *, name: str, description: str, is_opt_in: bool, actor: str) -> None:
    """Change what a topic says; raise Conflict where another has its name."""
    cleaned = _clean(name, description)
    try:
        with transaction.atomic():
            Topic.objects.filter(pk=topic.pk).update(**cleaned, is_opt_in=is_opt_in)
            audit.record("topic.updated", topic, actor=actor, is_opt_in=is_opt_in)
    except IntegrityError:
        raise _name_is_taken(cleaned["name"]) from None


def choose_topic(
    contact: Contact, topic: Topic, channel: Channel, *, wanted: bool, evidence: Evidence
) -> bool:
    """Record that a person wants a topic on a channel, or does not; return whether that changed anything."""
    state = ConsentState.GRANTED if wanted else ConsentState.WITHDRAWN
    with transaction.atomic():
        changed = _move_choice(contact, topic, channel, state)
        if changed:
            ConsentEvent.objects.create(
                contact=contact, topic=topic, channel=channel, state=state, **asdict(evidence)
            )
            audit.record(
                "topic.chosen" if wanted else "topic.declined",
                contact,
                actor=evidence.actor,
                topic=topic.public_id,
                channel=channel,
                source=evidence.source,
            )
    return changed


def _move_choice(contact: Contact, topic: Topic, channel: Channel, state: ConsentState) -> bool:
    at = clock.now()
    _, is_new = TopicChoice.objects.get_or_create(
        contact=contact,
        topic=topic,
        channel=channel,
        defaults={"state": state, "updated_at": at},
    )
    others = TopicChoice.objects.filter(contact=contact, topic=topic, channel=channel)
    return is_new or others.exclude(state=state).update(state=state, updated_at=at) > 0


def _clean(name: str, description: str) -> dict[str, str]:
    cleaned = clean_text(name, field="name", max_length=120)
    if not cleaned:
        raise Refused("A topic needs a name.", field="name", value=name, remedy="Name it.")
    return {
        "name": cleaned,
        "description": clean_text(description, field="description", max_length=300),
    }


def _name_is_taken(name: str) -> Conflict:
    return Conflict(
        f"There is already a topic named {name!r}.",
        field="name",
        value=name,
        remedy="Use that topic, or choose another name.",
    )
