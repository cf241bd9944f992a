"""Writing a stream: every member gets exactly one row, whatever happens in between."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from core import clock
from messaging.actions.consent import unsubscribe, withdraw_consent
from messaging.channels import Channel
from messaging.models import Contact, ListMember, Message
from messaging.streams import Hold, close_stream, open_stream, tally, write_messages
from tests.messaging.outbox.making import make_list, make_people, make_version, statuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def stream(sandbox):
    return open_stream("Spring news", sender=sandbox, template_version=make_version())


def write_all(stream, lists, *, limit: int, joined_before=None) -> list[int]:
    """Write chunk by chunk, as a campaign does; return how many rows each chunk added."""
    after: uuid.UUID | None = None
    written = []
    while True:
        after, count = write_messages(
            stream,
            lists=lists,
            joined_before=joined_before or clock.now(),
            after=after,
            limit=limit,
        )
        written.append(count)
        if after is None:
            return written


def test_chunks_add_up_and_follow_the_order_of_contacts(stream):
    readers = make_list(make_people(7))

    assert write_all(stream, [readers], limit=3) == [3, 3, 1]

    messages = Message.objects.filter(stream=stream).order_by("id")
    contacts = [message.contact_id for message in messages]
    assert contacts == sorted(contacts)
    assert len(set(contacts)) == 7
    assert [message.address for message in messages] == [m.contact.email for m in messages]
    assert {len(message.key) for message in messages} == {32}
    assert statuses(stream) == {"pending": 7}


def test_a_full_last_chunk_is_followed_by_an_empty_one(stream):
    readers = make_list(make_people(6))

    assert write_all(stream, [readers], limit=3) == [3, 3, 0]


def test_nobody_on_the_lists_writes_nothing(stream):
    assert write_messages(stream, lists=[make_list([])], joined_before=clock.now()) == (None, 0)


def test_writing_again_adds_nothing(stream):
    readers = make_list(make_people(5))
    write_all(stream, [readers], limit=2)

    assert write_all(stream, [readers], limit=3) == [0, 0]
    assert statuses(stream) == {"pending": 5}


def test_who_is_on_two_lists_gets_one_message(stream):
    people = make_people(4)
    lists = [make_list(people[:3], name="Readers"), make_list(people[1:], name="Buyers")]

    assert write_all(stream, lists, limit=100) == [4]


def test_who_joined_after_the_launch_is_not_written_to(stream):
    early, late = make_people(2)
    readers = make_list([early, late])
    launched_at = clock.now()
    ListMember.objects.filter(contact=late).update(added_at=launched_at + timedelta(seconds=1))

    write_all(stream, [readers], limit=10, joined_before=launched_at)

    assert Message.objects.get(stream=stream).contact == early


def test_who_may_not_be_written_to_is_skipped_with_the_reason(stream):
    people = make_people(4)
    withdraw_consent(people[0], Channel.EMAIL, source="phone", actor="staff:alice")
    unsubscribe(people[1], Channel.EMAIL, source="link", actor="system")
    by_phone = Contact(first_name="Charlie")
    by_phone.set_addresses(email=None, phone="+27825550134")
    by_phone.save()

    write_all(stream, [make_list([*people, by_phone])], limit=10)

    figures = tally(stream)
    assert figures.reasons == {"no_consent": 1, "suppressed": 1, "no_address": 1}
    assert (figures.total, figures.pending, figures.skipped) == (5, 2, 3)
    skipped = Message.objects.filter(stream=stream, status="skipped")
    assert all(message.settled_at for message in skipped)
    assert Message.objects.get(contact=by_phone).address == ""


def test_a_closed_stream_still_accounts_for_everybody(stream):
    close_stream(stream)

    write_all(stream, [make_list(make_people(3))], limit=10)

    assert statuses(stream) == {"skipped": 3}
    assert tally(stream).reasons == {"cancelled": 3}


def test_an_untouched_stream_tallies_to_nothing(stream):
    figures = tally(stream)
    assert (figures.total, figures.sent, figures.reasons) == (0, 0, {})


def test_a_tally_is_one_statement_so_that_nothing_is_counted_twice(
    stream, django_assert_num_queries
):
    people = make_people(5)
    withdraw_consent(people[0], Channel.EMAIL, source="phone", actor="staff:alice")
    write_all(stream, [make_list(people)], limit=10)
    rest = list(Message.objects.filter(stream=stream, status="pending").order_by("pk"))
    at = clock.now() + timedelta(hours=8)
    Message.objects.filter(pk=rest[0].pk).update(not_before=at, reason="quiet_hours")
    Message.objects.filter(pk=rest[1].pk).update(status="sent")

    with django_assert_num_queries(1):
        figures = tally(stream)

    assert (figures.total, figures.pending, figures.sent, figures.skipped) == (5, 3, 1, 1)
    assert (figures.held, figures.reasons) == (1, {"no_consent": 1})
    assert figures.holds == (Hold("quiet_hours", 1, at, at),)
