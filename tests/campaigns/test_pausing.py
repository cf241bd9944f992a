"""Pause, resume, cancel: what was not handed over waits, or never goes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from campaigns.actions import (
    cancel_campaign,
    launch_campaign,
    pause_campaign,
    resume_campaign,
    schedule_campaign,
)
from campaigns.models import Campaign
from campaigns.states import Status
from campaigns.workflows import seconds_between_looks
from core import clock
from core.errors import Conflict
from core.models import AuditEntry
from jobs.models import Run
from jobs.testing import run_one, run_until_idle
from messaging import mails, payloads
from messaging.batches import freeze, mark_attempted
from messaging.ledger import Claim, mark_sending
from messaging.models import Message, SandboxMessage, Sender
from messaging.streams import tally
from tests.campaigns.conftest import ALICE, MONDAY


@pytest.fixture
def sending(campaign: Campaign) -> Campaign:
    """A campaign that was launched, and of which nothing has happened yet."""
    return launch_campaign(campaign, actor=ALICE)


@pytest.fixture
def written(sending: Campaign) -> Campaign:
    """A campaign whose messages stand in the ledger; none has been handed over."""
    run_one()
    assert Message.objects.filter(status="pending").count() == 5
    return sending


def reasons() -> list[str]:
    return sorted(Message.objects.exclude(reason="").values_list("reason", flat=True))


def test_a_paused_campaign_sends_nothing(written: Campaign) -> None:
    pause_campaign(written, actor=ALICE, reason="a typo")
    with clock.travel(by=timedelta(minutes=5)):
        run_until_idle()

    written.refresh_from_db()
    assert (written.status, written.paused_reason) == (Status.PAUSED, "a typo")
    assert SandboxMessage.objects.count() == 0
    assert Message.objects.filter(status="pending").count() == 5


def test_a_resumed_campaign_reaches_everybody_once(written: Campaign) -> None:
    pause_campaign(written, actor=ALICE)
    run_until_idle()
    resume_campaign(written, actor=ALICE)
    run_until_idle(advance=True)

    written.refresh_from_db()
    assert (written.status, written.paused_reason) == (Status.SENT, "")
    assert SandboxMessage.objects.count() == 5


def test_a_campaign_may_be_paused_before_its_messages_are_written(sending: Campaign) -> None:
    pause_campaign(sending, actor=ALICE)
    run_until_idle()

    assert Message.objects.filter(status="pending").count() == 5
    assert SandboxMessage.objects.count() == 0


def test_a_draft_cannot_be_paused(campaign: Campaign) -> None:
    with pytest.raises(Conflict) as conflict:
        pause_campaign(campaign, actor=ALICE)

    assert conflict.value.message == "“Spring offer” cannot be paused: it is a draft."
    campaign.refresh_from_db()
    assert campaign.status == Status.DRAFT
    assert not AuditEntry.objects.filter(verb="campaign.paused").exists()


def test_what_is_not_paused_cannot_be_resumed(sending: Campaign) -> None:
    with pytest.raises(Conflict):
        resume_campaign(sending, actor=ALICE)

    assert not AuditEntry.objects.filter(verb="campaign.resumed").exists()


def test_a_cancelled_campaign_sends_nothing_and_says_so_for_each_person(
    written: Campaign,
) -> None:
    cancel_campaign(written, actor=ALICE)
    run_until_idle(advance=True)

    written.refresh_from_db()
    assert written.status == Status.CANCELLED
    assert written.finished_at is not None
    assert SandboxMessage.objects.count() == 0
    assert reasons() == ["cancelled"] * 5 + ["no_consent"] * 2
    assert written.run is not None
    assert written.run.status == Run.Status.COMPLETED


def test_one_cancelled_before_its_messages_are_written_still_names_everybody(
    sending: Campaign,
) -> None:
    cancel_campaign(sending, actor=ALICE)
    run_until_idle(advance=True)

    assert reasons() == ["cancelled"] * 7
    assert SandboxMessage.objects.count() == 0


def test_it_is_cancelling_until_what_is_on_its_way_is_settled(written: Campaign) -> None:
    on_its_way = Message.objects.filter(status="pending")[:1].get()
    hand_over(on_its_way, sender=written.sender)

    cancel_campaign(written, actor=ALICE)

    written.refresh_from_db()
    assert (written.status, written.is_cancelling) == (Status.SENDING, True)
    with pytest.raises(Conflict) as conflict:
        pause_campaign(written, actor=ALICE)
    assert "being cancelled since" in conflict.value.message
    run_until_idle(advance=True)
    written.refresh_from_db()
    on_its_way.refresh_from_db()
    assert (written.status, on_its_way.status) == (Status.CANCELLED, "sent")
    assert reasons() == ["cancelled"] * 4 + ["no_consent"] * 2


def hand_over(message: Message, *, sender: Sender) -> None:
    """Put a message into a batch whose answer is awaited."""
    claim = Claim(message.pk, message.contact_id, message.stream)
    mail = mails.write(claim, contact=message.contact, sender=sender)
    run = Run.objects.get(workflow="messaging.deliver")
    batch = freeze(payloads.encode([mail]), count=1, sender=sender, run_id=run.pk)
    mark_sending(batch, [(message.pk, 0, message.address)])
    assert mark_attempted(batch)


def test_a_second_cancellation_is_a_conflict(written: Campaign) -> None:
    cancel_campaign(written, actor=ALICE)

    with pytest.raises(Conflict):
        cancel_campaign(written, actor=ALICE)

    assert AuditEntry.objects.filter(verb="campaign.cancelled").count() == 1


def test_a_paused_campaign_can_be_cancelled(written: Campaign) -> None:
    pause_campaign(written, actor=ALICE)
    cancel_campaign(written, actor=ALICE)
    run_until_idle(advance=True)

    written.refresh_from_db()
    assert written.status == Status.CANCELLED
    assert SandboxMessage.objects.count() == 0


def test_a_scheduled_campaign_is_cancelled_at_once_with_its_timer(campaign: Campaign) -> None:
    with clock.travel(to=MONDAY):
        schedule_campaign(campaign, at=MONDAY.replace(hour=15), time_zone="UTC", actor=ALICE)
        cancel_campaign(campaign, actor=ALICE)

    campaign.refresh_from_db()
    assert campaign.status == Status.CANCELLED
    assert campaign.timer is not None
    assert campaign.timer.status == Run.Status.CANCELLED
    with clock.travel(to=MONDAY.replace(hour=16)):
        run_until_idle()
    assert not Run.objects.filter(workflow="campaigns.send").exists()


def test_a_sent_campaign_cannot_be_cancelled(sending: Campaign) -> None:
    run_until_idle(advance=True)

    with pytest.raises(Conflict):
        cancel_campaign(sending, actor=ALICE)

    sending.refresh_from_db()
    assert sending.status == Status.SENT


class TestLooking:
    """Its run looks at the ledger as often as something may have happened, and no more."""

    def rest(self, campaign: Campaign) -> float:
        found = Campaign.objects.get(pk=campaign.pk)
        return seconds_between_looks(found, tally(found.ledger))

    def test_often_while_the_last_ones_go_out(self, written: Campaign) -> None:
        assert self.rest(written) == 0.2

    def test_less_often_while_a_slow_sender_has_some_left(self, written: Campaign) -> None:
        Sender.objects.update(rate_per_second=0.5)
        assert self.rest(written) == 1.0
        Sender.objects.update(rate_per_second=0.01)
        assert self.rest(written) == 2.0

    def test_seldom_while_it_is_paused(self, written: Campaign) -> None:
        pause_campaign(written, actor=ALICE)

        assert self.rest(written) == 15.0

    def test_seldom_while_its_sender_is_paused(self, written: Campaign) -> None:
        Sender.objects.update(status="paused", paused_reason="The daily quota is used up.")

        assert self.rest(written) == 15.0

    def test_soon_while_something_is_on_its_way(self, written: Campaign) -> None:
        hand_over(Message.objects.filter(status="pending")[:1].get(), sender=written.sender)
        pause_campaign(written, actor=ALICE)

        assert self.rest(written) == 2.0

    @pytest.mark.parametrize("wish", [resume_campaign, cancel_campaign])
    def test_at_once_when_a_person_resumes_or_cancels_it(
        self, written: Campaign, wish: Callable[..., Campaign]
    ) -> None:
        pause_campaign(written, actor=ALICE)

        wish(written, actor=ALICE)

        run = Run.objects.get(pk=written.run_id)
        assert (run.status, run.due_at) == (Run.Status.READY, None)
