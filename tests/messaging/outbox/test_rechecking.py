"""Between writing and sending people change their minds: the last look is at the cut."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from messaging.actions.consent import (
    Evidence,
    suppress_address,
    unsubscribe,
    withdraw_consent,
)
from messaging.actions.people import update_contact
from messaging.actions.senders import pause_sender, resume_sender
from messaging.actions.topics import choose_topic, create_topic
from messaging.channels import Channel
from messaging.models import Message, SandboxMessage, SendBatch, SuppressionReason
from messaging.states import Purpose
from messaging.streams import open_stream, tally
from tests.messaging.outbox.making import (
    deliver,
    make_list,
    make_people,
    make_stream,
    make_version,
    statuses,
)

pytestmark = pytest.mark.django_db


def contact_of(stream, position: int):
    return Message.objects.filter(stream=stream).order_by("id")[position].contact


def test_who_changed_their_mind_after_the_writing_gets_nothing(sandbox):
    stream = make_stream(sandbox, people=5)
    withdraw_consent(contact_of(stream, 0), Channel.EMAIL, source="phone", actor="staff:alice")
    unsubscribe(contact_of(stream, 1), Channel.EMAIL, source="link", actor="system")
    suppress_address(
        Channel.EMAIL,
        contact_of(stream, 2).email_hash,
        reason=SuppressionReason.MANUAL,
        source="complaint by letter",
        actor="staff:alice",
    )

    deliver()

    assert statuses(stream) == {"sent": 2, "skipped": 3}
    assert tally(stream).reasons == {"no_consent": 1, "suppressed": 2}
    kept = set(SandboxMessage.objects.values_list("recipient", flat=True))
    assert kept == {contact_of(stream, 3).email, contact_of(stream, 4).email}


def test_a_batch_of_nobody_is_not_made(sandbox):
    stream = make_stream(sandbox, people=2)
    for position in range(2):
        withdraw_consent(
            contact_of(stream, position), Channel.EMAIL, source="phone", actor="staff:alice"
        )

    deliver()

    assert statuses(stream) == {"skipped": 2}
    assert SendBatch.objects.count() == 0
    assert SandboxMessage.objects.count() == 0


def test_a_corrected_address_is_the_one_that_is_written_to(sandbox):
    stream = make_stream(sandbox, people=1)
    update_contact(contact_of(stream, 0), email="new@example.com", actor="staff:alice")

    deliver()

    assert SandboxMessage.objects.get().recipient == "new@example.com"
    assert Message.objects.get(stream=stream).address == "new@example.com"


def test_a_batch_that_waited_for_a_mended_account_is_checked_once_more(resend, resend_server):
    resend_server.misbehave(script=[[403, "invalid_api_key"]])
    stream = make_stream(resend, people=3)
    deliver()
    assert statuses(stream) == {"sending": 3}

    leaver = contact_of(stream, 1)
    unsubscribe(leaver, Channel.EMAIL, source="link", actor="system")
    with clock.travel(by=timedelta(days=3)):
        resume_sender(resend, actor="staff:alice")
        deliver()

    assert statuses(stream) == {"sent": 2, "skipped": 1}
    assert leaver.email not in {entry.to for entry in resend_server.accepted}
    assert sorted(SendBatch.objects.values_list("status", "count")) == [
        ("dissolved", 3),
        ("settled", 2),
    ]


def test_one_batch_asks_for_each_message_what_its_own_stream_demands(sandbox):
    readers = make_list(make_people(2), name="Both")
    people = [member.contact for member in readers.members.order_by("contact")]
    topic = create_topic(name="Events", actor="system")
    evidence = Evidence(source="page", actor="recipient")
    choose_topic(people[0], topic, Channel.EMAIL, wanted=False, evidence=evidence)
    unsubscribe(people[1], Channel.EMAIL, source="page", actor="recipient")
    receipts, events = (
        open_stream(title, sender=sandbox, template_version=make_version(), **fields)
        for title, fields in (
            ("Receipts", {"purpose": Purpose.TRANSACTIONAL}),
            ("Events", {"topic": topic}),
        )
    )
    pause_sender(sandbox, reason="both at once", actor="test")
    for stream in (receipts, events):
        Message.objects.bulk_create(
            Message(stream=stream, key=each.pk.hex, contact=each, address=each.email)
            for each in people
        )

    resume_sender(sandbox, actor="test")
    deliver()

    assert statuses(receipts) == {"sent": 2}
    assert tally(events).reasons == {"topic_declined": 1, "suppressed": 1}
    assert SendBatch.objects.count() == 1
