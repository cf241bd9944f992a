"""A sender hands over no more than its day allows, whatever its lanes do, and goes on by itself on the next."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, connections

from core import clock
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging import days, lanes
from messaging.actions.senders import change_sender, pause_sender, resume_sender
from messaging.models import Message, Sender, SenderDay
from messaging.streams import pause_stream
from tests.messaging.outbox.making import make_sender, make_stream, statuses

#: 23:00 on the first of March in Johannesburg.
LATE = datetime(2027, 3, 1, 21, tzinfo=UTC)
MIDNIGHT = datetime(2027, 3, 1, 22, tzinfo=UTC)
HOME = {"time_zone": "Africa/Johannesburg"}
ALICE = "staff:alice"


@pytest.mark.django_db
class TestDays:
    def test_what_is_left_over_goes_out_on_the_next_days(self):
        sender = make_sender("sandbox", daily_cap=120, lanes=2, **HOME)
        with clock.travel(to=LATE):
            stream = make_stream(sender, people=300)
            run_until_idle()
            assert statuses(stream) == {"sent": 120, "pending": 180}
        with clock.travel(to=MIDNIGHT - timedelta(seconds=1)):
            assert run_until_idle() == 0
        with clock.travel(to=MIDNIGHT):
            run_until_idle()
            assert statuses(stream) == {"sent": 240, "pending": 60}
        with clock.travel(to=MIDNIGHT + timedelta(days=1)):
            run_until_idle()

        assert statuses(stream) == {"sent": 300}
        assert list(SenderDay.objects.order_by("day").values_list("day", "count")) == [
            (date(2027, 3, 1), 120),
            (date(2027, 3, 2), 120),
            (date(2027, 3, 3), 60),
        ]

    def test_a_used_up_day_costs_nothing_until_the_next(self):
        sender = make_sender("sandbox", daily_cap=1, **HOME)
        with clock.travel(to=LATE):
            make_stream(sender, people=3)
            run_until_idle()

            sender.refresh_from_db()
            assert sender.not_before == MIDNIGHT
            assert lanes.tend() == 0
            [alarm] = Run.objects.filter(workflow="messaging.wake")
            assert (alarm.status, alarm.due_at) == ("waiting", MIDNIGHT)
            assert not Run.objects.filter(workflow="messaging.deliver").active().exists()

    def test_a_new_domain_is_warmed_up(self):
        sender = make_sender(
            "sandbox", warm_up="2, 3, 5", warm_up_from=date(2027, 3, 1), daily_cap=8, **HOME
        )
        sent = []
        with clock.travel(to=LATE):
            stream = make_stream(sender, people=40)
        for day in range(5):
            with clock.travel(to=LATE + timedelta(days=day)):
                run_until_idle()
                sent.append(statuses(stream)["sent"])

        assert sent == [2, 5, 10, 18, 26]

    def test_a_limit_that_is_set_in_the_middle_of_a_day_counts_what_went_before(self):
        sender = make_sender("sandbox", **HOME)
        with clock.travel(to=LATE):
            make_stream(sender, people=30)
            run_until_idle()
            change_sender(sender, actor=ALICE, daily_cap=50)
            stream = make_stream(sender, people=30, title="More")
            run_until_idle()

        assert statuses(stream) == {"sent": 20, "pending": 10}

    def test_a_limit_that_is_raised_lets_it_go_on_at_once(self):
        sender = make_sender("sandbox", daily_cap=10, **HOME)
        with clock.travel(to=LATE):
            stream = make_stream(sender, people=30)
            run_until_idle()
            change_sender(sender, actor=ALICE, daily_cap=25)
            run_until_idle()
            assert statuses(stream) == {"sent": 25, "pending": 5}
            change_sender(sender, actor=ALICE, daily_cap=None)
            run_until_idle()

        assert statuses(stream) == {"sent": 30}

    def test_what_is_dissolved_before_it_was_attempted_is_given_back(self, resend_server):
        sender = make_sender("resend", daily_cap=10, **HOME)
        resend_server.misbehave(script=[[429, "daily_quota_exceeded"]])
        with clock.travel(to=LATE):
            stream = make_stream(sender, people=10)
            run_until_idle()
            assert SenderDay.objects.get().count == 10
            pause_stream(stream)
            assert SenderDay.objects.get().count == 0

            other = make_stream(sender, people=10, title="More")
            sender.refresh_from_db()
            resume_sender(sender, actor=ALICE)
            run_until_idle()

        assert statuses(other) == {"sent": 10}
        assert statuses(stream) == {"pending": 10}
        assert SenderDay.objects.get().count == 10

    def test_messages_that_nobody_may_get_use_up_nothing(self):
        sender = make_sender("sandbox", daily_cap=10, **HOME)
        with clock.travel(to=LATE):
            stream = make_stream(sender, people=15)
            Message.objects.filter(pk__in=Message.objects.order_by("pk")[:5]).update(
                expires_at=LATE - timedelta(hours=1)
            )
            run_until_idle()

        assert statuses(stream) == {"skipped": 5, "sent": 10}

    def test_a_sender_without_a_limit_keeps_no_count(self, sandbox):
        make_stream(sandbox, people=3)
        run_until_idle()

        assert SenderDay.objects.count() == 0
        assert days.left_today(sandbox) is None

    def test_a_paused_sender_stays_paused_when_its_limit_changes(self, sandbox):
        pause_sender(sandbox, reason="wrong logo", actor=ALICE)

        changed = change_sender(sandbox, actor=ALICE, daily_cap=5)

        assert changed.is_paused
        assert Run.objects.count() == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_lanes_that_ask_at_the_same_moment_get_no_more_than_there_is():
    sender = make_sender("sandbox", daily_cap=100)
    days.left_today(sender)
    taken: list[bool] = []

    def ask() -> None:
        taken.append(days.take(Sender.objects.get(), 30))
        connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert sorted(taken) == [False, False, False, True, True, True]
    assert SenderDay.objects.get().count == 90
