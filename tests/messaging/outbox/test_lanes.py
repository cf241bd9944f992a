"""Lanes start when there is work, rest when there is none, and no wake-up is lost in between."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections, transaction

from core import clock
from jobs.actions import cancel_run
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging import lanes
from messaging.models import Lane, Message, Sender
from messaging.streams import open_stream, pause_stream, write_messages
from tests.messaging.outbox.making import (
    deliver,
    make_list,
    make_people,
    make_sender,
    make_stream,
    make_version,
    statuses,
)


@pytest.mark.django_db
class TestOneProcess:
    def test_writing_starts_as_many_lanes_as_the_sender_has(self):
        sender = make_sender("sandbox", lanes=3)

        make_stream(sender, people=1)

        assert list(Lane.objects.order_by("slot").values_list("slot", "run__status")) == [
            (0, "ready"),
            (1, "ready"),
            (2, "ready"),
        ]

    def test_lanes_at_work_are_not_started_twice(self, sandbox):
        make_stream(sandbox, people=1)
        make_stream(sandbox, people=1, title="More news")

        assert Run.objects.filter(workflow="messaging.deliver").count() == 1

    def test_a_lane_without_work_goes_to_rest_and_is_woken_by_the_next_writer(self, sandbox):
        first = make_stream(sandbox, people=1)
        deliver()
        assert Lane.objects.get().run is None
        assert Run.objects.get().status == "completed"

        second = make_stream(sandbox, people=1, title="More news")
        deliver()

        assert statuses(first) == statuses(second) == {"sent": 1}
        assert Run.objects.count() == 2

    def test_a_lane_does_not_go_to_rest_while_there_is_work(self, sandbox):
        make_stream(sandbox, people=1)
        lane = Lane.objects.get()

        assert lanes.let_go(sandbox, slot=0, run_id=lane.run_id) is False
        assert Lane.objects.get().run_id == lane.run_id

    def test_a_rolled_back_writer_leaves_no_lane(self, sandbox):
        with transaction.atomic():
            make_stream(sandbox, people=1)
            transaction.set_rollback(True)

        assert Run.objects.count() == Message.objects.count() == 0

    def test_a_cancelled_lane_is_started_again_by_the_watch(self, sandbox):
        stream = make_stream(sandbox, people=1)
        cancel_run(Run.objects.get(), actor="staff:alice")
        assert run_until_idle() == 0

        assert lanes.tend() == 1
        deliver()

        assert statuses(stream) == {"sent": 1}

    def test_the_watch_starts_nothing_where_nothing_waits(self, sandbox):
        stream = make_stream(sandbox, people=1)
        deliver()
        assert lanes.tend() == 0

        paused = make_stream(sandbox, people=1, title="Paused")
        pause_stream(paused)
        deliver()

        assert lanes.tend() == 0
        assert statuses(stream) == {"sent": 1}

    def test_fewer_lanes_take_effect_at_the_next_turn(self):
        sender = make_sender("sandbox", lanes=2)
        stream = make_stream(sender, people=1)
        Sender.objects.update(lanes=1)

        deliver()

        assert statuses(stream) == {"sent": 1}
        sender.refresh_from_db()
        make_stream(sender, people=1, title="More news")
        assert Run.objects.active().count() == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
class TestRacingProcesses:
    def test_a_writer_that_commits_while_a_lane_goes_to_rest_is_not_forgotten(self):
        """The writer holds its messages uncommitted; the lane sees none and wants to rest."""
        sender = make_sender("sandbox")
        make_stream(sender, people=1)
        held = Lane.objects.get()
        Message.objects.update(status="sent")
        stream = open_stream("Race", sender=sender, template_version=make_version())
        readers = make_list(make_people(1, start=50), name="Race")
        rested = []

        def rest() -> None:
            rested.append(lanes.let_go(sender, slot=0, run_id=held.run_id))
            connections.close_all()

        with transaction.atomic():
            write_messages(stream, lists=[readers], joined_before=clock.now())
            lane = threading.Thread(target=rest)
            lane.start()
            lane.join(timeout=0.3)
            assert lane.is_alive(), "the lane must wait for the writer"
        lane.join(timeout=10)

        assert rested == [False]
        assert Lane.objects.get().run_id == held.run_id

    def test_a_writer_that_waits_for_a_resting_lane_starts_it_anew(self):
        sender = make_sender("sandbox")
        make_stream(sender, people=1)
        held = Lane.objects.get()
        Message.objects.update(status="sent")
        stream = open_stream("Race", sender=sender, template_version=make_version())
        readers = make_list(make_people(1, start=50), name="Race")

        def write() -> None:
            write_messages(stream, lists=[readers], joined_before=clock.now())
            connections.close_all()

        with transaction.atomic():
            assert lanes.let_go(sender, slot=0, run_id=held.run_id) is True
            writer = threading.Thread(target=write)
            writer.start()
            writer.join(timeout=0.3)
            assert writer.is_alive(), "the writer must wait for the lane"
            Run.objects.filter(pk=held.run_id).update(status="completed")
        writer.join(timeout=10)

        lane = Lane.objects.get()
        assert lane.run_id != held.run_id
        assert lane.run.status == "ready"
