"""The command line: the same actions, exit codes that scripts can trust."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from campaigns.actions import cancel_campaign
from campaigns.models import Campaign
from campaigns.states import Status
from core import clock
from jobs import watching
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.actions.templates import save_version
from messaging.models import Contact, SandboxMessage
from tests.campaigns.conftest import ALICE, MONDAY

pytestmark = pytest.mark.django_db


def test_send_campaign_starts_it_as_the_one_who_typed_it(
    campaign: Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("send_campaign", campaign.public_id)

    campaign.refresh_from_db()
    assert campaign.status == Status.SENDING
    assert campaign.launched_by == f"command:{getpass.getuser()}"
    assert campaign.run is not None
    assert capsys.readouterr().out == f"Sending “Spring offer” as {campaign.run.public_id}.\n"


def test_with_wait_it_follows_to_the_end(
    campaign: Campaign, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "sleep", lambda _: run_until_idle(advance=True))

    call_command("send_campaign", campaign.public_id, wait=True)

    summary = capsys.readouterr().out.splitlines()[-1]
    assert summary.startswith("Sent after 0:0")
    assert summary.endswith(": 5 sent, 0 failed, 2 skipped, 0 in doubt, 0 waiting.")
    assert SandboxMessage.objects.count() == 5


def test_with_wait_a_cancelled_campaign_exits_with_2(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancel(_: float) -> None:
        cancel_campaign(Campaign.objects.get(), actor=ALICE)
        run_until_idle(advance=True)

    monkeypatch.setattr(watching, "sleep", cancel)

    with pytest.raises(CommandError) as error:
        call_command("send_campaign", campaign.public_id, wait=True)

    assert error.value.returncode == 2
    assert str(error.value).startswith("Cancelled after")


def test_a_second_send_exits_with_1_and_says_why(campaign: Campaign) -> None:
    call_command("send_campaign", campaign.public_id)

    with pytest.raises(CommandError) as error:
        call_command("send_campaign", campaign.public_id)

    assert error.value.returncode == 1
    assert "already sending since" in str(error.value)
    assert Run.objects.count() == 1


def test_an_unknown_id_is_named() -> None:
    with pytest.raises(CommandError) as error:
        call_command("send_campaign", "cmp_nothing")

    assert "cmp_nothing" in str(error.value)


def test_schedule_campaign_reads_local_time_in_a_zone(
    campaign: Campaign, capsys: pytest.CaptureFixture[str]
) -> None:
    with clock.travel(to=MONDAY):
        call_command(
            "schedule_campaign",
            campaign.public_id,
            "2027-07-01T09:30",
            time_zone="Europe/Berlin",
        )

    campaign.refresh_from_db()
    assert campaign.scheduled_at == datetime(2027, 7, 1, 7, 30, tzinfo=UTC)
    assert capsys.readouterr().out == (
        "“Spring offer” starts on 2027-07-01 at 09:30 (Europe/Berlin).\n"
    )


@pytest.mark.parametrize(
    ("when", "zone", "named"),
    [
        ("yesterday", "UTC", "'yesterday' is no date and time."),
        ("2027-02-28T09:00", "UTC", "has passed"),
        ("2027-07-01T09:00", "Mars/Olympus", "There is no time zone 'Mars/Olympus'."),
    ],
)
def test_a_moment_that_may_not_be_is_refused(
    campaign: Campaign, when: str, zone: str, named: str
) -> None:
    with clock.travel(to=MONDAY), pytest.raises(CommandError) as error:
        call_command("schedule_campaign", campaign.public_id, when, time_zone=zone)

    assert named in str(error.value)
    assert error.value.returncode == 1
    campaign.refresh_from_db()
    assert campaign.status == Status.DRAFT


def test_checking_with_nothing_due_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_scheduled_campaigns")

    assert capsys.readouterr().out == ""


def test_with_wait_a_campaign_of_which_every_message_failed_exits_with_2(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_all(_: float) -> None:
        Contact.objects.update(attributes={})
        run_until_idle(advance=True)

    save_version(campaign.template, subject="{{ contact.attributes.city }}", html="x", actor=ALICE)
    monkeypatch.setattr(watching, "sleep", fail_all)

    with pytest.raises(CommandError) as error:
        call_command("send_campaign", campaign.public_id, wait=True)

    assert error.value.returncode == 2
    assert ": 0 sent, 5 failed, 2 skipped, 0 in doubt, 0 waiting." in str(error.value)
