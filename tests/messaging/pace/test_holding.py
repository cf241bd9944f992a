"""Held messages wait for their moment, stand in nobody's way, and cost nothing meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from django.db import connection

from core import clock
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging import lanes
from messaging.actions.senders import pause_sender, resume_sender
from messaging.models import Contact, Message, SendBatch, Sender, Stream
from messaging.streams import (
    close_stream,
    open_stream,
    pause_stream,
    resume_stream,
    tally,
    write_message,
)
from tests.messaging.outbox.making import (
    deliver,
    make_people,
    make_sender,
    make_stream,
    make_version,
    statuses,
)

pytestmark = pytest.mark.django_db

#: 22:00 in Johannesburg, 15:00 in New York, 05:00 of the next day in Tokyo.
EVENING = datetime(2027, 3, 1, 20, tzinfo=UTC)
MORNING = datetime(2027, 3, 2, 6, tzinfo=UTC)  # 08:00 in Johannesburg
NIGHT = {"quiet_from": time(21), "quiet_until": time(8), "time_zone": "Africa/Johannesburg"}


@pytest.fixture
def careful(db: None) -> Sender:
    """A sender that is quiet from 21:00 to 08:00, at home in Johannesburg."""
    return make_sender("sandbox", **NIGHT)


def live_in(*zones: str) -> None:
    """Let the people there are live in these zones, in turn."""
    for number, contact in enumerate(Contact.objects.order_by("pk")):
        Contact.objects.filter(pk=contact.pk).update(time_zone=zones[number % len(zones)])


def drive() -> int:
    """Drive everything that is ready now; time stands still."""
    return run_until_idle()


def test_who_sleeps_gets_it_in_the_morning_and_who_is_awake_at_once(careful):
    with clock.travel(to=EVENING):
        stream = make_stream(careful, people=6)
        live_in("Africa/Johannesburg", "America/New_York", "Asia/Tokyo")
        drive()

        assert statuses(stream) == {"sent": 2, "pending": 4}
        told = tally(stream)
        assert (told.pending, told.held) == (4, 4)
        [hold] = told.holds
        assert (hold.reason, hold.count) == ("quiet_hours", 4)
        assert (hold.first, hold.last) == (EVENING + timedelta(hours=3), MORNING)

    with clock.travel(to=EVENING + timedelta(hours=3)):  # 08:00 in Tokyo
        drive()
        assert statuses(stream) == {"sent": 4, "pending": 2}

    with clock.travel(to=MORNING):
        drive()
        assert statuses(stream) == {"sent": 6}
    assert set(Message.objects.values_list("not_before", "reason")) == {(None, "")}


@pytest.mark.parametrize("zone", ["", "Mars/Olympus"])
def test_whose_zone_is_not_known_lives_where_the_sender_does(careful, zone):
    with clock.travel(to=EVENING):
        stream = make_stream(careful, people=1)
        live_in(zone)
        drive()

    assert statuses(stream) == {"pending": 1}
    assert Message.objects.get().not_before == MORNING


def test_a_sender_without_a_zone_lives_where_the_house_does(settings):
    settings.TIME_ZONE = "Africa/Johannesburg"
    sender = make_sender("sandbox", **{**NIGHT, "time_zone": ""})

    with clock.travel(to=EVENING):
        make_stream(sender, people=1)
        drive()

    assert Message.objects.get().not_before == MORNING


@pytest.mark.parametrize(
    ("of_the_stream", "of_the_message", "outcome"),
    [
        ("hold", "", ("pending", "quiet_hours")),
        ("skip", "", ("skipped", "quiet_hours")),
        ("ignore", "", ("sent", "")),
        ("skip", "ignore", ("sent", "")),
        ("ignore", "hold", ("pending", "quiet_hours")),
        ("hold", "skip", ("skipped", "quiet_hours")),
    ],
)
def test_a_message_may_override_what_its_stream_says(
    careful, of_the_stream, of_the_message, outcome
):
    [reader] = make_people(1)
    stream = open_stream(
        "Reminder", sender=careful, template_version=make_version(), quiet_hours=of_the_stream
    )

    with clock.travel(to=EVENING):
        write_message(stream, contact=reader, key="1", quiet_hours=of_the_message)
        drive()

    assert Message.objects.values_list("status", "reason").get() == outcome


def test_a_reminder_is_not_held_until_after_its_event(careful):
    [reader] = make_people(1)
    stream = open_stream("Reminder", sender=careful, template_version=make_version())

    with clock.travel(to=EVENING):
        write_message(stream, contact=reader, key="1", expires_at=MORNING - timedelta(hours=1))
        drive()

    assert Message.objects.values_list("status", "reason").get() == ("skipped", "expired")


def test_what_is_too_late_when_its_sender_goes_on_is_skipped(sandbox):
    pause_sender(sandbox, reason="broken", actor="staff:alice")
    [reader] = make_people(1)
    stream = open_stream("Reminder", sender=sandbox, template_version=make_version())
    write_message(stream, contact=reader, key="1", expires_at=clock.now() + timedelta(hours=1))
    drive()

    with clock.travel(by=timedelta(hours=2)):
        resume_sender(sandbox, actor="staff:alice")
        drive()

    assert Message.objects.values_list("status", "reason").get() == ("skipped", "expired")


def test_held_messages_stand_in_nobodys_way(careful):
    """A thousand sleepers were written first; whoever is awake gets theirs in one batch, at once."""
    with clock.travel(to=EVENING):
        asleep = make_stream(careful, people=1000, title="Asleep")
        drive()
        assert statuses(asleep) == {"pending": 1000}
        awake = make_stream(careful, people=3, title="Awake")
        Contact.objects.filter(messages__stream=awake).update(time_zone="America/New_York")
        drive()

    assert statuses(awake) == {"sent": 3}
    assert SendBatch.objects.count() == 1
    assert statuses(asleep) == {"pending": 1000}


def test_lanes_rest_while_everybody_sleeps_and_one_alarm_wakes_them(careful):
    with clock.travel(to=EVENING):
        make_stream(careful, people=300)
        drive()

        assert not Run.objects.filter(workflow="messaging.deliver").active().exists()
        [alarm] = Run.objects.filter(workflow="messaging.wake")
        assert (alarm.status, alarm.due_at) == ("waiting", MORNING)
        # The watch looks every minute of the night, finds nothing to do, and starts nothing.
        assert lanes.tend() == 0
        assert drive() == 0

    with clock.travel(to=MORNING):
        drive()
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}


def test_without_its_alarm_the_watch_wakes_the_lanes(careful):
    with clock.travel(to=EVENING):
        stream = make_stream(careful, people=2)
        drive()
    Run.objects.filter(workflow="messaging.wake").delete()

    with clock.travel(to=MORNING + timedelta(minutes=1)):
        assert lanes.tend() == 1
        drive()

    assert statuses(stream) == {"sent": 2}


def test_a_paused_stream_sleeps_through_the_morning(careful):
    with clock.travel(to=EVENING):
        stream = make_stream(careful, people=2)
        drive()
        pause_stream(stream)
    with clock.travel(to=MORNING):
        drive()
        assert statuses(stream) == {"pending": 2}
    with clock.travel(to=MORNING + timedelta(hours=3)):
        resume_stream(stream)
        drive()

    assert statuses(stream) == {"sent": 2}


def test_held_messages_of_a_closed_stream_are_cancelled(careful):
    with clock.travel(to=EVENING):
        stream = make_stream(careful, people=2)
        drive()
        close_stream(stream)
    with clock.travel(to=MORNING):
        drive()

    assert set(Message.objects.values_list("status", "reason", "not_before")) == {
        ("skipped", "cancelled", None)
    }


def test_a_batch_that_could_not_go_in_the_evening_does_not_go_in_the_night(resend_server):
    """Its quota was used up at 20:00; staff resume the sender at 22:00."""
    sender = make_sender("resend", **NIGHT)
    resend_server.misbehave(script=[[429, "daily_quota_exceeded"]])
    with clock.travel(to=EVENING - timedelta(hours=2)):
        stream = make_stream(sender, people=3)
        drive()
    sender.refresh_from_db()
    assert sender.is_paused

    with clock.travel(to=EVENING):
        resume_sender(sender, actor="staff:alice")
        drive()
        assert statuses(stream) == {"pending": 3}
    assert resend_server.accepted == []

    with clock.travel(to=MORNING):
        drive()
    assert statuses(stream) == {"sent": 3}
    assert len(resend_server.accepted) == 3


class TestLater:
    """A message may be written for a later time."""

    def test_it_goes_at_its_moment_and_not_before(self, sandbox):
        [reader] = make_people(1)
        stream = open_stream("Later", sender=sandbox, template_version=make_version())
        at = clock.now() + timedelta(days=2)
        message = write_message(stream, contact=reader, key="1", not_before=at)

        assert (message.status, message.reason) == ("pending", "scheduled")
        with clock.travel(to=at - timedelta(seconds=1)):
            assert drive() == 0
        with clock.travel(to=at):
            drive()
        assert statuses(stream) == {"sent": 1}

    def test_a_moment_that_has_passed_is_now(self, sandbox):
        [reader] = make_people(1)
        stream = open_stream("Later", sender=sandbox, template_version=make_version())
        past = clock.now() - timedelta(hours=1)

        message = write_message(stream, contact=reader, key="1", not_before=past)

        assert (message.not_before, message.reason) == (None, "")


@pytest.mark.skipif(connection.vendor != "postgresql", reason="plans are PostgreSQL's")
def test_the_next_messages_are_found_by_the_index_that_holds_no_held_one(careful):
    with clock.travel(to=EVENING):
        stream = make_stream(careful, people=1500)
        drive()
        connection.cursor().execute("ANALYZE messaging_message")
        next_ones = Message.objects.due().filter(stream=stream).in_order()[:100]

    assert "message_next" in next_ones.explain()
    assert Stream.objects.count() == 1


def test_everything_goes_out_once_over_a_night(careful):
    with clock.travel(to=EVENING):
        stream = make_stream(careful, people=40)
        live_in("Africa/Johannesburg", "America/New_York", "Asia/Tokyo", "Europe/London")
        deliver()

    assert statuses(stream) == {"sent": 40}
