"""One message to one person: once per key, with data of its own, and with the reason where it may not go."""

from __future__ import annotations

import pytest

from jobs.models import Run
from messaging.actions.consent import withdraw_consent
from messaging.channels import Channel
from messaging.models import Message, SandboxMessage, Stream
from messaging.states import Purpose
from messaging.streams import close_stream, open_stream, standing_stream, write_message
from tests.messaging.outbox.making import deliver, make_people, make_version, statuses

pytestmark = pytest.mark.django_db


def test_it_goes_out_with_the_data_of_its_stream_and_its_own(sandbox):
    [reader] = make_people(1)
    version = make_version(html="<p>{{ data.event }} at {{ data.time }}, {{ data.place }}</p>")
    stream = open_stream(
        "Reminder",
        sender=sandbox,
        template_version=version,
        data={"event": "Open day", "time": "soon", "place": "Room 1"},
    )

    write_message(stream, contact=reader, key="r1", data={"time": "15:00"})
    deliver()

    assert "Open day at 15:00, Room 1" in SandboxMessage.objects.get().html


def test_a_second_one_under_the_same_key_is_the_first(sandbox):
    [reader] = make_people(1)
    stream = open_stream("Reminder", sender=sandbox, template_version=make_version())

    first = write_message(stream, contact=reader, key="r1")
    deliver()
    second = write_message(stream, contact=reader, key="r1", data={"other": 1})

    assert second.pk == first.pk
    assert (second.status, second.data) == ("sent", None)
    assert Message.objects.count() == 1


def test_who_did_not_agree_gets_a_line_in_the_ledger_and_no_message(sandbox):
    [reader] = make_people(1)
    withdraw_consent(reader, Channel.EMAIL, source="page", actor="recipient")
    stream = open_stream("Reminder", sender=sandbox, template_version=make_version())

    message = write_message(stream, contact=reader, key="r1")

    assert (message.status, message.reason) == ("skipped", "no_consent")
    assert message.settled_at is not None
    assert Run.objects.count() == 0


def test_a_closed_stream_takes_no_more(sandbox):
    [reader] = make_people(1)
    stream = open_stream("Reminder", sender=sandbox, template_version=make_version())
    close_stream(stream)

    message = write_message(stream, contact=reader, key="r1")

    assert (message.status, message.reason) == ("skipped", "cancelled")


def test_a_standing_stream_is_opened_once(sandbox):
    version = make_version()
    opened = [
        standing_stream("receipts", title="Receipts", sender=sandbox, template_version=version)
        for _ in range(3)
    ]
    other = standing_stream(
        "receipts", title="Receipts", sender=sandbox, template_version=make_version()
    )

    assert len({stream.pk for stream in opened}) == 1
    assert other.pk != opened[0].pk
    assert Stream.objects.count() == 2


def test_a_greater_priority_goes_first(sandbox):
    people = make_people(2)
    for priority, person, title in [(0, people[0], "News"), (5, people[1], "Reminder")]:
        stream = open_stream(
            title,
            sender=sandbox,
            template_version=make_version(subject=title),
            priority=priority,
            purpose=Purpose.TRANSACTIONAL,
        )
        write_message(stream, contact=person, key="1")
    deliver()

    sent = SandboxMessage.objects.order_by("pk").values_list("subject", flat=True)
    assert list(sent) == ["Reminder", "News"]
    assert statuses(stream) == {"sent": 1}
