"""Sending later: three independent triggers, one start."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.utils.module_loading import import_string
from django_q.models import Schedule as BackupRow

from campaigns.actions import (
    launch_campaign,
    schedule_campaign,
    start_due_campaigns,
    unschedule_campaign,
)
from campaigns.models import Campaign
from campaigns.states import Status
from core import clock
from core.errors import Conflict, Refused
from core.models import AuditEntry
from jobs.actions import cancel_run
from jobs.backup import install_backup_schedules
from jobs.models import Run, Schedule
from jobs.schedules import install_schedules
from jobs.testing import run_until_idle
from messaging.actions.templates import save_version
from messaging.models import SandboxMessage, Sender, Stream, Template
from tests.campaigns.conftest import ALICE, MONDAY

AT_THREE = MONDAY.replace(hour=15)
pytestmark = pytest.mark.django_db


@pytest.fixture
def scheduled(campaign: Campaign) -> Campaign:
    """A campaign scheduled on Monday at nine for three in the afternoon."""
    with clock.travel(to=MONDAY):
        return schedule_campaign(campaign, at=AT_THREE, time_zone="UTC", actor=ALICE)


def switch_off_timer(campaign: Campaign) -> None:
    campaign.refresh_from_db()
    assert campaign.timer is not None
    cancel_run(campaign.timer, actor="test")


def sends() -> int:
    return Run.objects.filter(workflow="campaigns.send").count()


def test_it_waits_for_its_time_and_shows_it_in_the_zone_of_staff(campaign: Campaign) -> None:
    at = datetime(2027, 7, 1, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))

    with clock.travel(to=MONDAY):
        schedule_campaign(campaign, at=at, time_zone="Europe/Berlin", actor=ALICE)

    campaign.refresh_from_db()
    assert campaign.status == Status.SCHEDULED
    assert campaign.scheduled_at == datetime(2027, 7, 1, 7, 30, tzinfo=UTC)
    assert f"{campaign.scheduled_local:%H:%M %Z}" == "09:30 CEST"
    assert campaign.timer is not None
    assert (campaign.timer.workflow, campaign.timer.due_at) == ("campaigns.start", at)


@pytest.mark.parametrize("at", [MONDAY, MONDAY - timedelta(days=1)])
def test_a_time_that_has_passed_is_refused(campaign: Campaign, at: datetime) -> None:
    with clock.travel(to=MONDAY), pytest.raises(Refused) as refusal:
        schedule_campaign(campaign, at=at, time_zone="UTC", actor=ALICE)

    assert (refusal.value.field, refusal.value.value) == ("scheduled_at", at.isoformat())
    campaign.refresh_from_db()
    assert campaign.status == Status.DRAFT
    assert not Run.objects.exists()


def test_an_unknown_zone_is_refused(campaign: Campaign) -> None:
    with clock.travel(to=MONDAY), pytest.raises(Refused) as refusal:
        schedule_campaign(campaign, at=AT_THREE, time_zone="Mars/Olympus", actor=ALICE)

    assert (refusal.value.field, refusal.value.value) == ("time_zone", "Mars/Olympus")
    campaign.refresh_from_db()
    assert campaign.status == Status.DRAFT


def test_what_is_scheduled_is_not_scheduled_again(scheduled: Campaign) -> None:
    with clock.travel(to=MONDAY), pytest.raises(Conflict):
        schedule_campaign(scheduled, at=AT_THREE + timedelta(hours=1), time_zone="UTC", actor=ALICE)

    scheduled.refresh_from_db()
    assert scheduled.scheduled_at == AT_THREE


def test_back_to_draft_stops_its_timer(scheduled: Campaign) -> None:
    with clock.travel(to=MONDAY):
        unschedule_campaign(scheduled, actor=ALICE)
    with clock.travel(to=AT_THREE + timedelta(minutes=1)):
        run_until_idle()
        assert start_due_campaigns() == []

    scheduled.refresh_from_db()
    assert scheduled.status == Status.DRAFT
    assert sends() == 0


def test_the_timer_of_an_old_time_leaves_a_new_time_alone(scheduled: Campaign) -> None:
    old_timer = scheduled.timer
    with clock.travel(to=MONDAY):
        unschedule_campaign(scheduled, actor=ALICE)
        schedule_campaign(scheduled, at=AT_THREE + timedelta(hours=2), time_zone="UTC", actor=ALICE)
        Run.objects.filter(pk=old_timer.pk).update(status="ready")  # as if it were not cancelled
    with clock.travel(to=AT_THREE + timedelta(minutes=1)):
        run_until_idle()

    scheduled.refresh_from_db()
    assert scheduled.status == Status.SCHEDULED


class TestTriggers:
    """Each trigger alone starts it exactly once; all of them together do no more."""

    def test_nothing_starts_before_its_time(self, scheduled: Campaign) -> None:
        with clock.travel(to=AT_THREE - timedelta(seconds=1)):
            install_schedules()
            Schedule.objects.update(next_at=clock.now())
            run_until_idle(cron=True)
            call_command("check_scheduled_campaigns")

        assert sends() == 0

    def test_its_timer_alone_starts_it(self, scheduled: Campaign) -> None:
        with clock.travel(to=AT_THREE):
            run_until_idle()

        assert sends() == 1

    def test_our_cron_alone_starts_it(self, scheduled: Campaign) -> None:
        switch_off_timer(scheduled)
        with clock.travel(to=MONDAY):
            install_schedules()
        with clock.travel(to=AT_THREE + timedelta(minutes=2)):
            run_until_idle(cron=True)

        assert sends() == 1

    def test_the_backup_scheduler_alone_starts_it(self, scheduled: Campaign) -> None:
        switch_off_timer(scheduled)
        install_backup_schedules()
        row = BackupRow.objects.get(name="campaigns.check_scheduled")
        assert (row.schedule_type, row.minutes) == (BackupRow.MINUTES, 5)

        with clock.travel(to=AT_THREE + timedelta(minutes=5)):
            import_string(row.func)()

        assert sends() == 1

    def test_the_command_for_system_cron_alone_starts_it(self, scheduled: Campaign) -> None:
        switch_off_timer(scheduled)
        with clock.travel(to=AT_THREE + timedelta(minutes=1)):
            call_command("check_scheduled_campaigns")

        assert sends() == 1

    def test_all_together_start_it_once(self, scheduled: Campaign) -> None:
        with clock.travel(to=MONDAY):
            install_schedules()
        with clock.travel(to=AT_THREE + timedelta(minutes=5)):
            run_until_idle(cron=True)
            call_command("check_scheduled_campaigns")
            start_due_campaigns()
            run_until_idle(cron=True, advance=True)

        scheduled.refresh_from_db()
        assert scheduled.status == Status.SENT
        assert sends() == 1
        assert SandboxMessage.objects.count() == 5

    def test_a_campaign_that_was_sent_by_hand_is_left_alone(self, scheduled: Campaign) -> None:
        with clock.travel(to=MONDAY):
            launch_campaign(scheduled, actor=ALICE)
        with clock.travel(to=AT_THREE):
            run_until_idle(advance=True)
            assert start_due_campaigns() == []

        assert sends() == 1
        assert SandboxMessage.objects.count() == 5


class TestLateness:
    """What was due during an outage starts at once, unless it is too late: then it asks."""

    def test_it_starts_as_soon_as_somebody_looks(self, scheduled: Campaign) -> None:
        with clock.travel(to=AT_THREE + timedelta(hours=12)):
            starts = start_due_campaigns()

        assert [start.outcome for start in starts] == ["started"]

    def test_past_the_limit_it_asks_and_sends_nothing(self, scheduled: Campaign) -> None:
        late = AT_THREE + timedelta(hours=12, seconds=1)
        with clock.travel(to=late):
            run_until_idle(advance=True)
            again = start_due_campaigns()

        scheduled.refresh_from_db()
        assert (scheduled.status, scheduled.asks_since) == (Status.SCHEDULED, late)
        assert again == []
        assert sends() == 0
        assert AuditEntry.objects.about(scheduled).filter(verb="campaign.asks").count() == 1

    def test_the_limit_is_a_setting(
        self, scheduled: Campaign, settings: pytest.FixtureRequest
    ) -> None:
        settings.CAMPAIGN_LATE_LIMIT_MINUTES = 30  # type: ignore[attr-defined]
        with clock.travel(to=AT_THREE + timedelta(minutes=31)):
            assert [start.outcome for start in start_due_campaigns()] == ["asks"]

    def test_a_persons_yes_sends_it(self, scheduled: Campaign) -> None:
        with clock.travel(to=AT_THREE + timedelta(days=1)):
            start_due_campaigns()
            launch_campaign(scheduled, actor=ALICE)
            run_until_idle(advance=True)

        scheduled.refresh_from_db()
        assert (scheduled.status, scheduled.asks_since) == (Status.SENT, None)
        assert SandboxMessage.objects.count() == 5

    def test_a_persons_no_makes_it_a_draft_again(self, scheduled: Campaign) -> None:
        with clock.travel(to=AT_THREE + timedelta(days=1)):
            start_due_campaigns()
            unschedule_campaign(scheduled, actor=ALICE)

        scheduled.refresh_from_db()
        assert (scheduled.status, scheduled.asks_since) == (Status.DRAFT, None)
        assert sends() == 0


class TestOneBrokenCampaign:
    """One campaign that cannot start keeps its reason and stops no other."""

    @pytest.fixture
    def pair(self, make_campaign: Callable[..., Campaign], sender: Sender) -> list[Campaign]:
        broken_sender = Sender.objects.create(name="Paused", from_email="paused@example.com")
        with clock.travel(to=MONDAY):
            pair = [make_campaign("Broken", sender=broken_sender), make_campaign("Sound")]
            for number, campaign in enumerate(pair):
                at = AT_THREE + timedelta(seconds=number)
                schedule_campaign(campaign, at=at, time_zone="UTC", actor=ALICE)
                switch_off_timer(campaign)
        Sender.objects.filter(pk=broken_sender.pk).update(status="paused", paused_reason="quota")
        return pair

    def test_the_others_start(self, pair: list[Campaign]) -> None:
        with clock.travel(to=AT_THREE + timedelta(minutes=2)):
            starts = start_due_campaigns()

        assert [start.outcome for start in starts] == ["refused", "started"]
        broken, sound = [Campaign.objects.get(pk=campaign.pk) for campaign in pair]
        assert (broken.status, sound.status) == (Status.SCHEDULED, Status.SENDING)
        assert "quota" in broken.start_problem

    def test_it_starts_once_it_is_mended(self, pair: list[Campaign]) -> None:
        with clock.travel(to=AT_THREE + timedelta(minutes=2)):
            start_due_campaigns()
            Sender.objects.update(status="active")
            starts = start_due_campaigns()

        assert [start.outcome for start in starts] == ["started"]
        broken = Campaign.objects.get(pk=pair[0].pk)
        assert (broken.status, broken.start_problem) == (Status.SENDING, "")

    def test_the_same_reason_is_recorded_once(self, pair: list[Campaign]) -> None:
        with clock.travel(to=AT_THREE + timedelta(minutes=2)):
            start_due_campaigns()
            start_due_campaigns()

        refused = AuditEntry.objects.about(pair[0]).filter(verb="campaign.start_refused")
        assert refused.count() == 1

    def test_the_command_names_it_and_exits_with_1(
        self, pair: list[Campaign], capsys: pytest.CaptureFixture[str]
    ) -> None:
        from django.core.management.base import CommandError

        with (
            clock.travel(to=AT_THREE + timedelta(minutes=2)),
            pytest.raises(CommandError) as error,
        ):
            call_command("check_scheduled_campaigns")

        assert str(error.value) == f"Could not start {pair[0].public_id}."
        assert error.value.returncode == 1
        assert f"{pair[1].public_id} started\n" in capsys.readouterr().out


def test_what_could_not_go_out_is_refused_when_it_is_scheduled(
    campaign: Campaign, template: Template
) -> None:
    save_version(template, actor=ALICE, subject="{{ data.discount }} off", text="Hello")

    with clock.travel(to=MONDAY), pytest.raises(Refused) as refusal:
        schedule_campaign(campaign, at=AT_THREE, time_zone="UTC", actor=ALICE)

    assert refusal.value.field == "template"
    assert not Stream.objects.exists()
    campaign.refresh_from_db()
    assert campaign.status == Status.DRAFT
