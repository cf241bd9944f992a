"""A campaign whose messages bounce or are complained about too often pauses itself, once, and says why."""

from __future__ import annotations

import pytest
from django.core import mail
from hypothesis import given
from hypothesis import strategies as some

from campaigns.actions import cancel_campaign, launch_campaign, resume_campaign
from campaigns.guard import Rates, guard, is_too_much, why_stop
from campaigns.models import Campaign
from core import clock
from core.models import AuditEntry
from jobs.models import Run
from jobs.testing import run_one, run_until_idle
from messaging.models import Message, StreamHour
from messaging.streams import Tally, tally
from tests.campaigns.conftest import ALICE

counts = some.integers(0, 100_000)


@given(counts, counts, some.floats(0.01, 100), some.integers(1, 10_000))
def test_a_small_sample_never_stops_a_campaign(troubles, sent, percent, sample):
    if is_too_much(troubles, sent=sent, percent=percent, sample=sample):
        assert sent >= sample
        assert troubles >= 3
        assert troubles / sent > percent / 100 * 0.999999


@given(counts, counts, some.floats(0.01, 100), some.integers(1, 10_000))
def test_more_troubles_never_let_it_go_on(troubles, sent, percent, sample):
    stopped = is_too_much(troubles, sent=sent, percent=percent, sample=sample)

    assert not stopped or is_too_much(troubles + 1, sent=sent, percent=percent, sample=sample)


@pytest.mark.parametrize(
    ("rates", "why"),
    [
        (Rates(1000, 40, 1), ""),
        (Rates(499, 400, 0), ""),
        (
            Rates(1000, 41, 0),
            "41 of 1,000 messages were returned as undeliverable: 4.1 %, and the limit is 4 %.",
        ),
        (
            Rates(2000, 0, 3),
            "3 of 2,000 messages were complained about: 0.15 %, and the limit is 0.1 %.",
        ),
        (Rates(500, 0, 2), ""),  # 0.4 %, but of two people
    ],
)
def test_the_limits_that_a_sender_has_by_itself(rates, why):
    assert why_stop(rates, max_bounce=4.0, max_complaint=0.1, sample=500) == why


def test_without_limits_nothing_stops_it():
    assert why_stop(Rates(1000, 1000, 1000), max_bounce=None, max_complaint=None, sample=1) == ""


@pytest.mark.django_db
class TestPausing:
    @pytest.fixture
    def sending(self, campaign: Campaign, settings) -> Campaign:
        """Four of five are sent; the sender is judged from the first three."""
        settings.ALERT_EMAILS = ["alice@longhaul.test"]
        sender = campaign.sender
        sender.guard_sample, sender.max_bounce_percent = 3, 50.0
        sender.save()
        launch_campaign(campaign, actor=ALICE)
        run_one()
        ids = Message.objects.filter(status="pending").order_by("pk").values_list("pk", flat=True)
        Message.objects.filter(pk__in=list(ids[:4])).update(status="sent", settled_at=clock.now())
        campaign.refresh_from_db()
        return campaign

    def bounce(self, campaign: Campaign, count: int) -> None:
        hour = clock.now().replace(minute=0, second=0, microsecond=0)
        StreamHour.objects.update_or_create(
            stream=campaign.ledger, stage="bounced", hour=hour, defaults={"count": count}
        )

    def figures(self, campaign: Campaign) -> Tally:
        return tally(campaign.ledger)

    def test_its_own_run_finds_out_and_stops_it_before_the_next_batch(self, sending):
        self.bounce(sending, 3)
        assert guard(sending, self.figures(sending)) is True
        run_until_idle()

        sending.refresh_from_db()
        assert sending.status == "paused"
        assert sending.paused_reason == (
            "3 of 4 messages were returned as undeliverable: 75 %, and the limit is 50 %."
        )
        assert Message.objects.filter(status="pending").count() == 1
        [told] = mail.outbox
        assert told.subject == "[Longhaul] The campaign “Spring offer” is paused"
        assert "75 %" in told.body
        assert f"/admin/campaigns/campaign/{sending.pk}/change/" in told.body
        entry = AuditEntry.objects.get(verb="campaign.paused")
        assert entry.actor == "system"

    def test_below_the_limit_it_goes_on(self, sending):
        self.bounce(sending, 2)

        assert guard(sending, self.figures(sending)) is False
        sending.refresh_from_db()
        assert sending.status == "sending"

    def test_its_run_looks_at_the_rates_while_it_sends(self, sending):
        self.bounce(sending, 4)
        Run.objects.exclude(workflow="campaigns.send").update(status="cancelled")
        Run.objects.filter(workflow="campaigns.send").update(status="ready")

        run_one()

        sending.refresh_from_db()
        assert sending.status == "paused"
        assert Message.objects.filter(status="pending").count() == 1

    def test_who_resumes_it_has_looked_and_a_new_sample_is_judged(self, sending):
        self.bounce(sending, 3)
        guard(sending, self.figures(sending))
        sending.refresh_from_db()
        resume_campaign(sending, actor=ALICE)

        sending.refresh_from_db()
        assert sending.judged_from == {"sent": 4, "bounced": 3, "complained": 0}
        assert guard(sending, self.figures(sending)) is False

    def test_a_campaign_that_is_being_cancelled_is_left_alone(self, sending):
        self.bounce(sending, 4)
        cancel_campaign(sending, actor=ALICE)

        assert guard(sending, self.figures(sending)) is False
        assert mail.outbox == []
