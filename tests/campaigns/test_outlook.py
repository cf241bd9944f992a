"""The page tells the truth about those who wait: until when, why, and how many days it takes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from campaigns.actions import launch_campaign, pause_campaign
from campaigns.live import Panel, panel_of
from campaigns.models import Campaign
from campaigns.outlook import Outlook
from core import clock
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.models import Contact, Sender
from messaging.streams import Hold

#: 22:00 in Johannesburg.
EVENING = datetime(2027, 3, 1, 20, tzinfo=UTC)
MORNING = datetime(2027, 3, 2, 6, tzinfo=UTC)
HOLD = Hold("quiet_hours", 3200, MORNING, MORNING)


def told(panel: Panel) -> str:
    return " ".join(f"{notice.text} {notice.remedy}" for notice in panel.notices)


@pytest.mark.parametrize(
    ("outlook", "rate", "left"),
    [
        (Outlook(ready=600), 10.0, "about 60 seconds left"),
        (Outlook(ready=600), 0.0, "measuring the time left"),
        (Outlook(ready=600, holds=(HOLD,)), 10.0, "about 60 seconds left, then 3,200 wait"),
        (Outlook(ready=0, holds=(HOLD,)), 0.0, "goes on tomorrow at 06:00"),
        (Outlook(ready=600, more_days=1), 10.0, "1 more day at this sender's daily limit"),
        (Outlook(ready=600, more_days=9), 10.0, "about 9 more days at this sender's daily limit"),
    ],
)
def test_the_time_left_promises_no_more_than_is_known(outlook, rate, left):
    with clock.travel(to=EVENING):
        assert outlook.left(rate=rate) == left


@pytest.mark.django_db
class TestPage:
    @pytest.fixture(autouse=True)
    def _johannesburg(self, sender: Sender) -> None:
        Sender.objects.update(time_zone="Africa/Johannesburg")
        sender.refresh_from_db()

    def launched(self, campaign: Campaign) -> Campaign:
        launch_campaign(campaign, actor="staff:alice")
        run_until_idle()
        campaign.refresh_from_db()
        return campaign

    def test_people_who_sleep_are_told_of_with_the_hour_they_wake(self, campaign):
        Sender.objects.update(quiet_from=time(21), quiet_until=time(8))
        awake = Contact.objects.filter(email="person0@example.com")
        awake.update(time_zone="America/New_York")
        with clock.travel(to=EVENING):
            panel = panel_of(self.launched(campaign))

        assert "4 wait for the morning where they live." in told(panel)
        assert "they go on tomorrow at 06:00" in told(panel)
        assert panel.left == "goes on tomorrow at 06:00"
        assert panel.rate_in_words == "Nothing goes out now"
        assert panel.polls_every == "10s"
        assert {figure.key: figure.count for figure in panel.figures}["waiting"] == 4

    def test_the_link_leads_to_those_who_sleep(self, campaign, client_of, alice):
        Sender.objects.update(quiet_from=time(21), quiet_until=time(8))
        with clock.travel(to=EVENING):
            panel = panel_of(self.launched(campaign))
        [notice] = [notice for notice in panel.notices if notice.icon == "bedtime"]

        rows = client_of(alice).get(notice.url)

        assert rows.context["cl"].result_count == 5

    def test_a_day_that_is_used_up_is_told_with_the_days_it_needs(self, campaign):
        Sender.objects.update(daily_cap=2)
        with clock.travel(to=EVENING):
            panel = panel_of(self.launched(campaign))

        assert "The sender “News” has used up what it may send today." in told(panel)
        assert "3 wait." in told(panel)
        assert "on 2 March, 00:00 (Africa/Johannesburg), and needs about 2 more days." in told(
            panel
        )
        assert panel.left == "about 2 more days at this sender's daily limit"

    def test_its_run_looks_seldom_while_nothing_can_go(self, campaign):
        Sender.objects.update(daily_cap=2)
        with clock.travel(to=EVENING):
            self.launched(campaign)
        with clock.travel(to=EVENING + timedelta(seconds=1)):
            run_until_idle()

        run = Run.objects.get(workflow="campaigns.send")
        assert run.due_at - EVENING >= timedelta(seconds=14)

    def test_a_paused_campaign_does_not_go_so_fast_now(self, campaign):
        with clock.travel(to=EVENING):
            launch_campaign(campaign, actor="staff:alice")
            pause_campaign(campaign, actor="staff:alice")
            campaign.refresh_from_db()
            panel = panel_of(campaign)

        assert panel.rate_in_words == "Nothing goes out now"
        assert panel.left == ""
