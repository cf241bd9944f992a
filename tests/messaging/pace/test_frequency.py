"""Nobody gets more than their cap within any window, from whatever sender and lane."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from jobs.testing import run_until_idle
from messaging.models import Contact, Message, Sender, Stream
from messaging.states import Purpose
from messaging.streams import open_stream, write_message
from tests.messaging.outbox.making import make_people, make_sender, make_version, statuses

pytestmark = pytest.mark.django_db

MONDAY = datetime(2027, 3, 1, 9, tzinfo=UTC)
CAP = {"contact_cap": 2, "contact_cap_days": 7}


@pytest.fixture
def capped(db: None) -> Sender:
    return make_sender("sandbox", **CAP)


@pytest.fixture
def reader(db: None) -> Contact:
    [reader] = make_people(1)
    return reader


def write(
    sender: Sender, reader: Contact, *, title: str = "News", count: int = 1, **fields: object
) -> Stream:
    stream = open_stream(title, sender=sender, template_version=make_version(), **fields)
    for number in range(count):
        write_message(stream, contact=reader, key=str(number))
    return stream


def test_the_third_waits_until_the_first_is_a_week_old(capped, reader):
    with clock.travel(to=MONDAY):
        write(capped, reader)
        run_until_idle()
    with clock.travel(to=MONDAY + timedelta(days=3)):
        write(capped, reader, title="More")
        run_until_idle()
    with clock.travel(to=MONDAY + timedelta(days=4)):
        third = write(capped, reader, title="Even more")
        run_until_idle()
        held = Message.objects.get(stream=third)
        assert (held.status, held.reason) == ("pending", "frequency_cap")
        assert held.not_before.date() == (MONDAY + timedelta(days=7)).date()
    with clock.travel(to=MONDAY + timedelta(days=7, minutes=1)):
        run_until_idle()

    assert statuses(third) == {"sent": 1}


def test_several_in_one_batch_count_among_themselves(capped, reader):
    with clock.travel(to=MONDAY):
        stream = write(capped, reader, count=5)
        run_until_idle()

    assert statuses(stream) == {"sent": 2, "pending": 3}


def test_messages_of_other_senders_count_too(capped, reader):
    with clock.travel(to=MONDAY):
        write(make_sender("sandbox", name="Another"), reader, count=2)
        run_until_idle()
        stream = write(capped, reader, title="More", over_cap="skip")
        run_until_idle()

    assert Message.objects.values_list("status", "reason").get(stream=stream) == (
        "skipped",
        "frequency_cap",
    )


def test_transactional_messages_neither_wait_nor_count(capped, reader):
    with clock.travel(to=MONDAY):
        receipts = write(capped, reader, title="Receipts", count=4, purpose=Purpose.TRANSACTIONAL)
        run_until_idle()
        news = write(capped, reader, count=3)
        run_until_idle()

    assert statuses(receipts) == {"sent": 4}
    assert statuses(news) == {"sent": 2, "pending": 1}


def test_one_persons_cap_is_not_anothers(capped):
    people = make_people(3)
    stream = open_stream("News", sender=capped, template_version=make_version())
    with clock.travel(to=MONDAY):
        for number, person in enumerate(people * 3):
            write_message(stream, contact=person, key=str(number))
        run_until_idle()

    sent = Message.objects.filter(status="sent").values_list("contact", flat=True)
    assert sorted(sent) == sorted([person.pk for person in people] * 2)
