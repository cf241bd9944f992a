"""Cron rows: each slot starts one run, whoever looks, and one bad row stops no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from jobs import registry, schedules
from jobs.models import Run, Schedule
from jobs.registry import workflow
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@workflow("test.every_two_minutes", cron="*/2 * * * *")
def every_two_minutes(run): ...


@workflow("test.nightly", cron="30 1 * * *", time_zone="Europe/London")
def nightly(run): ...


@pytest.fixture
def installed():
    with clock.travel(to=NOON):
        schedules.install_schedules()
    Schedule.objects.exclude(workflow__startswith="test.").delete()


def started(name: str) -> int:
    return Run.objects.filter(workflow=name).count()


def fire_at(moment: datetime) -> int:
    with clock.travel(to=moment):
        return schedules.fire_due()


@pytest.mark.usefixtures("installed")
def test_a_slot_starts_one_run_however_often_it_is_looked_at():
    assert fire_at(NOON + timedelta(seconds=119)) == 0
    assert [fire_at(NOON + timedelta(seconds=s)) for s in (120, 120, 121)] == [1, 0, 0]
    assert started("test.every_two_minutes") == 1


@pytest.mark.usefixtures("installed")
def test_two_machines_that_saw_the_same_row_start_one_run():
    row = Schedule.objects.get(workflow="test.every_two_minutes")
    moment = NOON + timedelta(minutes=2)

    assert [schedules._fire(row, moment), schedules._fire(row, moment)] == [True, False]
    assert started("test.every_two_minutes") == 1


@pytest.mark.usefixtures("installed")
def test_slots_missed_in_an_outage_are_made_up_for_once():
    assert fire_at(NOON + timedelta(hours=1)) == 1

    row = Schedule.objects.get(workflow="test.every_two_minutes")
    assert row.next_at == NOON + timedelta(hours=1, minutes=2)


@pytest.mark.usefixtures("installed")
def test_a_bad_row_shows_its_error_and_stops_no_other():
    Schedule.objects.filter(workflow="test.nightly").update(cron="nonsense", next_at=NOON)

    assert fire_at(NOON + timedelta(minutes=2)) == 1

    assert Schedule.objects.get(workflow="test.nightly").error != ""
    assert started("test.every_two_minutes") == 1


@pytest.mark.usefixtures("installed")
def test_a_switched_off_row_starts_nothing():
    Schedule.objects.update(is_enabled=False)

    assert fire_at(NOON + timedelta(hours=5)) == 0


@pytest.mark.usefixtures("installed")
def test_a_slot_keeps_its_local_time_when_summer_time_begins():
    before = schedules.next_slot(
        "30 9 * * *", time_zone="Europe/London", after=datetime(2026, 3, 28, 0, 0, tzinfo=UTC)
    )
    after = schedules.next_slot(
        "30 9 * * *", time_zone="Europe/London", after=datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    )

    assert (before.hour, after.hour) == (9, 8)


@pytest.mark.usefixtures("installed")
def test_a_changed_declaration_moves_the_row_and_keeps_a_persons_switch():
    Schedule.objects.filter(workflow="test.nightly").update(cron="0 0 * * *", is_enabled=False)

    with clock.travel(to=NOON):
        schedules.install_schedules()

    row = Schedule.objects.get(workflow="test.nightly")
    assert (row.cron, row.is_enabled) == ("30 1 * * *", False)


@pytest.mark.usefixtures("installed")
def test_rows_of_other_code_are_left_alone_and_not_fired():
    Schedule.objects.create(workflow="test.of_newer_code", cron="* * * * *", next_at=NOON)

    schedules.install_schedules()

    assert fire_at(NOON + timedelta(minutes=2)) == 1
    assert Schedule.objects.get(workflow="test.of_newer_code").error == ""


@pytest.mark.usefixtures("installed")
def test_a_fired_run_is_driven_like_any_other():
    fire_at(NOON + timedelta(minutes=2))

    run_until_idle()

    assert Run.objects.get().status == Run.Status.COMPLETED


def test_a_schedule_of_a_workflow_that_cannot_be_started_shows_its_error(monkeypatch):
    monkeypatch.setattr(registry, "_workflows", dict(registry._workflows))

    @workflow("test.needy", cron="0 * * * *")
    def needy(run, *, word: str): ...

    schedules.install_schedules()
    Schedule.objects.update(next_at=clock.now() - timedelta(minutes=1))

    schedules.fire_due()

    row = Schedule.objects.get(workflow="test.needy")
    assert "word: field required" in row.error
    assert not Run.objects.filter(workflow="test.needy").exists()
