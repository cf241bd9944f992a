"""A run that fails takes its campaign along, and brings it back when it is retried."""

from __future__ import annotations

import pytest

from campaigns.actions import cancel_campaign, launch_campaign
from campaigns.ending import end_abandoned, fail_campaign, finish_campaign
from campaigns.live import panel_of
from campaigns.models import Campaign
from campaigns.states import Status
from core.errors import Conflict
from core.models import AuditEntry
from jobs.actions import cancel_run, retry_run
from jobs.models import Run
from jobs.testing import run_one, run_until_idle
from messaging import streams
from messaging.actions.templates import save_version
from messaging.models import Message, SandboxMessage
from tests.campaigns.conftest import ALICE


@pytest.fixture
def failed(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign whose messages could not be written, four times."""

    def full(*_: object, **__: object) -> int:
        raise OSError("the disk is full")

    launch_campaign(campaign, actor=ALICE)
    with monkeypatch.context() as broken:
        broken.setattr(streams, "_insert", full)
        run_until_idle(advance=True)
    campaign.refresh_from_db()
    return campaign


def test_the_campaign_is_failed_with_the_reason_and_sends_nothing(failed: Campaign) -> None:
    assert (failed.status, failed.failure) == (Status.FAILED, "OSError: the disk is full")
    assert failed.finished_at is not None
    assert failed.stream is not None
    assert failed.stream.status == "paused"
    assert Message.objects.count() == 0


def test_retrying_its_run_brings_it_back_and_finishes_it(failed: Campaign) -> None:
    assert failed.run is not None
    retry_run(failed.run, actor=ALICE)
    run_until_idle(advance=True)

    failed.refresh_from_db()
    assert (failed.status, failed.failure) == (Status.SENT, "")
    assert SandboxMessage.objects.count() == 5
    assert AuditEntry.objects.about(failed).filter(verb="campaign.brought_back").count() == 1


def test_it_cannot_be_launched_again(failed: Campaign) -> None:
    with pytest.raises(Conflict) as conflict:
        launch_campaign(failed, actor=ALICE)

    assert conflict.value.remedy == "Retry its run, or cancel it."
    assert Run.objects.filter(workflow="campaigns.send").count() == 1


def test_a_failed_campaign_can_be_cancelled_for_good(failed: Campaign) -> None:
    cancel_campaign(failed, actor=ALICE)

    failed.refresh_from_db()
    assert failed.status == Status.CANCELLED
    assert failed.stream is not None
    assert failed.stream.status == "closed"


def test_a_late_word_of_failure_does_not_stop_a_run_that_was_retried(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch_campaign(campaign, actor=ALICE)
    run_one()
    Run.objects.filter(pk=campaign.run_id).update(status="running")
    from campaigns.workflows import send_failed

    send_failed(
        None,  # type: ignore[arg-type]
        run=Run.objects.get(pk=campaign.run_id).public_id,
        input={"campaign": campaign.public_id},
        error={"type": "OSError", "message": "the disk is full", "step": ""},
    )

    campaign.refresh_from_db()
    assert campaign.status == Status.SENDING


def test_cancelling_the_run_in_the_job_log_ends_the_campaign(campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)
    assert campaign.run is not None
    cancel_run(campaign.run, actor=ALICE)
    end_abandoned(actor="system")

    campaign.refresh_from_db()
    assert campaign.status == Status.CANCELLED
    assert campaign.stream is not None
    assert campaign.stream.status == "closed"
    run_until_idle(advance=True)
    assert SandboxMessage.objects.count() == 0


def test_one_that_was_being_cancelled_when_its_run_failed_is_cancelled(campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)
    cancel_campaign(campaign, actor=ALICE)

    fail_campaign(campaign, why="OSError: the disk is full", actor="system")

    campaign.refresh_from_db()
    assert (campaign.status, campaign.is_cancelling) == (Status.CANCELLED, False)
    assert campaign.failure == "OSError: the disk is full"
    assert campaign.stream is not None
    assert campaign.stream.status == "closed"


def test_a_run_that_comes_to_the_end_of_a_cancelled_campaign_says_cancelled(
    failed: Campaign,
) -> None:
    cancel_campaign(failed, actor=ALICE)

    assert finish_campaign(failed, actor="system") == Status.CANCELLED


def test_a_campaign_of_which_every_message_failed_says_that_nobody_got_it(
    campaign: Campaign,
) -> None:
    save_version(campaign.template, subject="{{ contact.attributes.city }}", html="x", actor=ALICE)
    launch_campaign(campaign, actor=ALICE)
    run_until_idle(advance=True)

    campaign.refresh_from_db()
    why = "Nobody got it: 5 with a template error, 2 without consent."
    assert (campaign.status, campaign.failure) == (Status.SENT, why)
    panel = panel_of(campaign)
    assert (panel.look.word, panel.look.tone) == ("Sent to nobody", "bad")
    assert [(notice.text, notice.tone) for notice in panel.notices] == [(why, "bad")]


def test_a_campaign_that_somebody_got_has_no_such_word(campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)
    run_until_idle(advance=True)

    campaign.refresh_from_db()
    assert (campaign.failure, panel_of(campaign).look.word) == ("", "Sent")
