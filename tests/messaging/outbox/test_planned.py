"""Messages written ahead: held until their moment, moved, taken back, asked about consent when they go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from jobs.models import Run
from jobs.testing import run_until
from messaging import lanes
from messaging.actions.consent import withdraw_consent
from messaging.batches import freeze
from messaging.channels import Channel
from messaging.ledger import mark_sending
from messaging.models import Message, SandboxMessage, SendBatch
from messaging.planned import Planned, retime, take_back, tell, tell_one, write_planned
from messaging.streams import close_stream, open_stream
from tests.messaging.outbox.making import deliver, make_people, make_version, statuses

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def stream(sandbox):
    version = make_version(html="<p>{{ event.title }} {{ event.join_url }}</p>")
    data = {"event": {"title": "Open day", "join_url": "https://everybody"}}
    return open_stream("Reminder", sender=sandbox, template_version=version, data=data)


@pytest.fixture
def readers(db):
    return make_people(3)


def write(stream, readers, *, by=HOUR, **more):
    at = clock.now() + by
    planned = [Planned(stream, each.pk.hex, each, not_before=at, **more) for each in readers]
    for sender in write_planned(planned):
        lanes.nudge(sender)
    return at


def test_they_go_at_their_moment_and_not_before(stream, readers):
    at = write(stream, readers)

    run_until(at - timedelta(seconds=1))
    assert statuses(stream) == {"pending": 3}
    run_until(at + timedelta(seconds=1))

    assert statuses(stream) == {"sent": 3}
    assert {message.settled_at >= at for message in Message.objects.all()} == {True}


def test_written_twice_each_goes_once(stream, readers):
    write(stream, readers, by=-HOUR)
    write(stream, readers, by=-HOUR)
    deliver()

    assert SandboxMessage.objects.count() == 3


def test_consent_is_asked_when_they_go(stream, readers):
    at = write(stream, readers)
    withdraw_consent(readers[0], Channel.EMAIL, source="page", actor="recipient")

    run_until(at + timedelta(seconds=1))

    assert statuses(stream) == {"sent": 2, "skipped": 1}
    assert Message.objects.get(status="skipped").reason == "no_consent"


def test_moved_ones_go_at_the_new_moment(stream, readers):
    at = write(stream, readers)
    later = at + 5 * HOUR
    assert retime(Message.objects.filter(stream=stream), not_before=later, expires_at=None) == 3

    run_until(at + HOUR)
    assert statuses(stream) == {"pending": 3}
    run_until(later + timedelta(seconds=1))
    assert statuses(stream) == {"sent": 3}


def test_moved_to_the_past_they_go_now_unless_that_is_too_late(stream, readers):
    at = write(stream, readers)
    mine = Message.objects.filter(stream=stream)
    retime(mine.filter(contact=readers[0]), not_before=at - 3 * HOUR, expires_at=at)
    retime(mine.exclude(contact=readers[0]), not_before=at - 3 * HOUR, expires_at=at - 2 * HOUR)

    deliver(advance=False)

    assert statuses(stream) == {"sent": 1, "skipped": 2}
    assert set(mine.filter(status="skipped").values_list("reason", flat=True)) == {"expired"}


def test_what_is_taken_back_never_goes_even_out_of_a_frozen_batch(stream, readers):
    write(stream, readers, by=-HOUR)
    lane = Run.objects.get(workflow="messaging.deliver")
    batch = freeze(b"[]", count=3, sender=stream.sender, run_id=lane.pk)
    rows = Message.objects.order_by("pk").values_list("pk", "address")
    mark_sending(batch, [(pk, place, address) for place, (pk, address) in enumerate(rows)])
    assert statuses(stream) == {"sending": 3}

    assert take_back(Message.objects.filter(contact=readers[0])) == 1
    deliver()

    assert SendBatch.objects.get(pk=batch.pk).status == "dissolved"
    assert statuses(stream) == {"sent": 2, "skipped": 1}
    assert SandboxMessage.objects.filter(recipient=readers[0].email).count() == 0


def test_what_went_out_stays(stream, readers):
    write(stream, readers, by=-HOUR)
    deliver()

    assert take_back(Message.objects.filter(stream=stream)) == 0
    assert statuses(stream) == {"sent": 3}


def test_a_closed_stream_takes_no_more_of_them(stream, readers):
    close_stream(stream)
    write(stream, readers)

    assert statuses(stream) == {"skipped": 3}
    assert set(Message.objects.values_list("reason", flat=True)) == {"cancelled"}


def test_new_words_reach_what_waits_and_a_persons_own_go_before(stream, readers):
    at = write(stream, readers[:2])
    tell([stream], {"event": {"title": "Open evening", "join_url": "https://everybody"}})
    own = {"event": {"join_url": "https://hers"}}
    tell_one(Message.objects.filter(contact=readers[0]), own)

    run_until(at + timedelta(seconds=1))

    mails = dict(SandboxMessage.objects.values_list("recipient", "text"))
    assert "Open evening https://hers" in mails[readers[0].email]
    assert "Open evening https://everybody" in mails[readers[1].email]
