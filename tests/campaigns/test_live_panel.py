"""The live page: true numbers, plain words, and an end to its asking."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from campaigns.actions import (
    cancel_campaign,
    launch_campaign,
    pause_campaign,
    schedule_campaign,
    start_due_campaigns,
)
from campaigns.live import chart_of, panel_of
from campaigns.models import Campaign
from campaigns.pace import Handover
from core import clock
from jobs.models import Run, Step
from jobs.testing import run_one, run_until_idle
from messaging.models import Lane, Message, SendBatch, Sender
from tests.campaigns.conftest import ALICE, MONDAY


@pytest.fixture
def browser(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def page(campaign: Campaign) -> str:
    return reverse("admin:campaigns_campaign_change", args=[campaign.pk])


def fragment(campaign: Campaign) -> str:
    return reverse("admin:campaigns_campaign_panel", args=[campaign.pk])


def text_of(answer: Any) -> str:
    """Return what a person reads: no tags, blanks folded."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture
def sent(campaign: Campaign) -> Campaign:
    launch_campaign(campaign, actor=ALICE)
    run_until_idle(advance=True)
    campaign.refresh_from_db()
    return campaign


def test_a_draft_says_whom_it_would_reach(browser: Client, campaign: Campaign) -> None:
    shown = text_of(browser.get(page(campaign)))

    assert "Ready for 5 people." in shown
    assert "This sender has no rate limit (2 skipped: 2 without consent)." in shown


def test_the_question_names_the_number_and_the_time(browser: Client, campaign: Campaign) -> None:
    Sender.objects.update(rate_per_second=0.01)

    shown = text_of(browser.get(reverse("admin:campaigns_campaign_send", args=[campaign.pk])))

    assert (
        "Send to 5 people? About 8 minutes at this sender&#x27;s rate "
        "(2 skipped: 2 without consent)." in shown
    )


def test_the_numbers_are_those_of_the_ledger_each_a_link_to_its_rows(
    browser: Client, sent: Campaign
) -> None:
    html = browser.get(page(sent)).content.decode()
    panel = panel_of(sent)

    assert [(figure.label, figure.count) for figure in panel.figures] == [
        ("Sent", 5),
        ("Failed", 0),
        ("Skipped", 2),
        ("In doubt", 0),
        ("Waiting", 0),
    ]
    for figure in [*panel.figures, *panel.reasons]:
        assert f'href="{figure.url.replace("&", "&amp;")}"' in html
        rows = browser.get(figure.url)
        assert rows.status_code == 200
        assert rows.context["cl"].result_count == figure.count


def test_progress_is_a_progress_element_with_a_label(browser: Client, sent: Campaign) -> None:
    html = browser.get(page(sent)).content.decode()

    assert '<label for="live-progress">' in html
    assert '<progress id="live-progress" max="7" value="7">' in html


def test_it_asks_again_every_two_seconds_while_it_is_sending(
    browser: Client, campaign: Campaign
) -> None:
    launch_campaign(campaign, actor=ALICE)

    html = browser.get(page(campaign)).content.decode()

    assert 'hx-trigger="every 2s"' in html
    assert f'hx-get="{fragment(campaign)}?seen=Sending&amp;heard=sending-0"' in html


def test_it_stops_asking_when_it_is_over(browser: Client, sent: Campaign) -> None:
    assert "hx-trigger" not in browser.get(fragment(sent)).content.decode()


def test_the_page_is_fetched_anew_when_the_state_has_changed(
    browser: Client, sent: Campaign
) -> None:
    changed = browser.get(fragment(sent), {"seen": "Sending"})
    unchanged = browser.get(fragment(sent), {"seen": "Sent"})

    assert changed.headers["HX-Refresh"] == "true"
    assert "HX-Refresh" not in unchanged.headers


def test_listeners_hear_each_tenth_once(browser: Client, sent: Campaign) -> None:
    news = browser.get(fragment(sent), {"heard": "sending-9"}).content.decode()
    nothing_new = browser.get(fragment(sent), {"heard": "sent-10"}).content.decode()

    assert "Sent: 7 of 7, 100 percent." in news
    assert "live-announcement" not in nothing_new
    assert 'role="status" aria-live="polite"' in browser.get(page(sent)).content.decode()


def test_the_title_tells_the_state_to_who_hears_the_page_fetched_anew(
    browser: Client, sent: Campaign
) -> None:
    html = browser.get(page(sent)).content.decode()

    title = html[html.index("<title>") + 7 : html.index("</title>")]
    assert title.split(" | ")[:2] == [" Spring offer", "Sent"]


def test_the_fragment_has_no_inline_style_or_script(browser: Client, sent: Campaign) -> None:
    html = browser.get(fragment(sent)).content.decode()

    assert not re.search(r"<style|<script|\sstyle=|\son[a-z]+=", html)


def test_the_steps_of_the_run_are_shown_with_a_link_to_it(browser: Client, sent: Campaign) -> None:
    answer = browser.get(page(sent))

    assert [(step.name, step.count, step.status) for step in panel_of(sent).steps] == [
        ("write messages", 1, "Completed"),
        ("finish", 1, "Completed"),
    ]
    assert sent.run is not None
    assert reverse("admin:jobs_run_change", args=[sent.run.pk]) in answer.content.decode()


class TestPace:
    """Rate and time left come from the batches that the provider took."""

    @pytest.fixture
    def halfway(self, campaign: Campaign) -> Campaign:
        """Ten seconds in, 5 of 7 are settled, in two batches."""
        with clock.travel(to=MONDAY):
            launch_campaign(campaign, actor=ALICE)
            run_one()
        messages = list(Message.objects.filter(status="pending").order_by("id"))
        for seconds, chosen in [(2, messages[:1]), (9, messages[1:3])]:
            at = MONDAY + timedelta(seconds=seconds)
            batch = SendBatch(
                sender=campaign.sender,
                count=len(chosen),
                streams={campaign.ledger.pk.hex: len(chosen)},
                status="settled",
                settled_at=at,
            )
            batch.key = batch.public_id
            batch.payload = b"[]"
            batch.save()
            ids = [message.pk for message in chosen]
            Message.objects.filter(pk__in=ids).update(status="sent", batch=batch, settled_at=at)
        campaign.refresh_from_db()
        return campaign

    def test_the_rate_is_what_was_taken_lately(self, halfway: Campaign) -> None:
        with clock.travel(to=MONDAY + timedelta(seconds=10)):
            panel = panel_of(halfway)

        assert (panel.done, panel.total, panel.percent) == (5, 7, 71)
        assert panel.rate == 0.3
        assert panel.left == "a few seconds left"
        assert panel.elapsed == "0:10"

    def test_while_the_audience_is_being_written_no_share_and_no_time_are_promised(
        self, halfway: Campaign
    ) -> None:
        there_is_more = {"after": "01930000-0000-7000-8000-000000000000", "written": 7}
        Step.objects.filter(key="write messages").update(output=there_is_more)

        with clock.travel(to=MONDAY + timedelta(seconds=10)):
            panel = panel_of(halfway)

        assert (panel.is_writing, panel.percent, panel.left) == (True, 0, "")
        assert panel.settled == "5 settled, 7 written so far"
        assert panel.announcement == "Sending: 5 settled, 7 written so far."

    def test_the_rate_stands_on_the_page_before_there_is_a_chart(
        self, browser: Client, halfway: Campaign
    ) -> None:
        with clock.travel(to=MONDAY + timedelta(seconds=10)):
            shown = text_of(browser.get(fragment(halfway)))

        assert "0:10 elapsed 0.3 messages a second now a few seconds left" in shown

    def test_nothing_goes_out_while_the_sender_is_paused(self, halfway: Campaign) -> None:
        Sender.objects.update(status="paused", paused_reason="The daily quota is used up.")
        halfway.refresh_from_db()

        with clock.travel(to=MONDAY + timedelta(seconds=10)):
            panel = panel_of(halfway)

        assert (panel.rate_in_words, panel.left) == ("Nothing goes out now", "")

    def test_a_stall_shows_as_unknown_time(self, halfway: Campaign) -> None:
        with clock.travel(to=MONDAY + timedelta(seconds=60)):
            panel = panel_of(halfway)

        assert (panel.rate, panel.left) == (0.0, "measuring the time left")

    def test_two_batches_are_no_chart_yet(self, halfway: Campaign) -> None:
        with clock.travel(to=MONDAY + timedelta(seconds=10)):
            assert panel_of(halfway).chart is None

    def test_a_point_of_the_chart_stands_for_three_batches(self) -> None:
        taken = [Handover(at, 100) for at in (1, 2, 3, 6, 7, 8, 9)]

        chart = chart_of(taken, elapsed=10)

        assert chart is not None
        assert (chart.points, chart.peak) == ("0.0,20.0 600.0,0.0", 80.0)
        assert chart.area == "0,80 0.0,20.0 600.0,0.0 600,80"


class TestNotices:
    """What stands in the way is said in plain words, with what to do next."""

    def told(self, campaign: Campaign) -> str:
        campaign.refresh_from_db()
        return " ".join(f"{each.text} {each.remedy}" for each in panel_of(campaign).notices)

    def test_a_paused_sender(self, campaign: Campaign) -> None:
        launch_campaign(campaign, actor=ALICE)
        Sender.objects.update(status="paused", paused_reason="The daily quota is used up.")

        told = self.told(campaign)

        assert "The sender “News” is paused: The daily quota is used up." in told
        assert "resume the sender; the campaign goes on by itself" in told

    def test_parked_batches(self, campaign: Campaign) -> None:
        launch_campaign(campaign, actor=ALICE)
        run_one()
        streams = {campaign.ledger.pk.hex: 1}
        batch = SendBatch(
            sender=campaign.sender, count=1, streams=streams, status="parked", key="parked"
        )
        batch.payload = b"[]"
        batch.save()
        message = Message.objects.filter(status="pending").order_by("id")[:1].get()
        Message.objects.filter(pk=message.pk).update(
            status="in_doubt", reason="key_expired", batch=batch
        )

        told = self.told(campaign)

        assert "1 batch (1 message) got no certain answer" in told
        assert "1 message may or may not have arrived." in told

    def test_a_lane_that_stopped(self, campaign: Campaign) -> None:
        launch_campaign(campaign, actor=ALICE)
        run_one()
        lane = Lane.objects.get()
        assert lane.run is not None
        type(lane.run).objects.filter(pk=lane.run.pk).update(status="failed")

        assert "A sending lane of “News” has stopped with an error." in self.told(campaign)

    def test_a_run_that_somebody_paused(self, campaign: Campaign) -> None:
        launch_campaign(campaign, actor=ALICE)
        Run.objects.filter(pk=campaign.run_id).update(status="paused")

        assert "Its run is paused" in self.told(campaign)

    def test_a_late_campaign_asks(self, browser: Client, campaign: Campaign) -> None:
        with clock.travel(to=MONDAY):
            schedule_campaign(
                campaign, at=MONDAY + timedelta(hours=1), time_zone="Asia/Tokyo", actor=ALICE
            )
        with clock.travel(to=MONDAY + timedelta(days=1)):
            start_due_campaigns()

        told = self.told(campaign)

        assert "It was due on 1 March 2027, 19:00 (Asia/Tokyo)" in told
        assert "Press “Send it late” or “Back to draft”." in told
        shown = text_of(browser.get(page(campaign)))
        assert "Send it late" in shown
        assert "Send now" not in shown

    def test_a_pause_tells_its_reason(self, campaign: Campaign) -> None:
        launch_campaign(campaign, actor=ALICE)
        pause_campaign(campaign, actor=ALICE, reason="wrong price")

        assert "Paused: wrong price" in self.told(campaign)

    def test_a_cancellation_under_way(self, campaign: Campaign) -> None:
        launch_campaign(campaign, actor=ALICE)
        cancel_campaign(campaign, actor=ALICE)

        assert "Nothing new goes out." in self.told(campaign)


@pytest.mark.parametrize(
    ("prepare", "buttons"),
    [
        (lambda campaign: None, ["Send now", "Schedule"]),
        (lambda campaign: launch_campaign(campaign, actor=ALICE), ["Pause", "Cancel campaign"]),
        (
            lambda campaign: pause_campaign(launch_campaign(campaign, actor=ALICE), actor=ALICE),
            ["Resume", "Cancel campaign"],
        ),
        (
            lambda campaign: cancel_campaign(launch_campaign(campaign, actor=ALICE), actor=ALICE),
            [],
        ),
    ],
    ids=["draft", "sending", "paused", "cancelling"],
)
def test_the_page_shows_the_buttons_that_the_state_allows(
    browser: Client,
    campaign: Campaign,
    prepare: Callable[[Campaign], object],
    buttons: list[str],
) -> None:
    prepare(campaign)

    shown = browser.get(page(campaign)).context["buttons"]

    assert [entry["button"].label for entry in shown] == [*buttons, "Duplicate"]


def test_the_list_takes_as_many_queries_for_fifty_as_for_one(
    browser: Client,
    campaign: Campaign,
    make_campaign: Callable[..., Campaign],
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    launch_campaign(campaign, actor=ALICE)
    url = reverse("admin:campaigns_campaign_changelist")
    with django_assert_max_num_queries(12) as one:
        browser.get(url)
    for number in range(49):
        launch_campaign(make_campaign(f"Campaign {number}"), actor=ALICE)

    with django_assert_max_num_queries(len(one)):
        assert browser.get(url).context["cl"].result_count == 50


def test_the_list_shows_a_bar_under_way_and_then_what_came_of_it(
    browser: Client, sent: Campaign, make_campaign: Callable[..., Campaign]
) -> None:
    under_way = launch_campaign(make_campaign("Under way"), actor=ALICE)
    Run.objects.filter(pk=under_way.run_id).update(progress_done=1, progress_total=4)

    html = browser.get(reverse("admin:campaigns_campaign_changelist")).content.decode()

    assert '<progress max="4" value="1" aria-label="Settled"></progress>25 %' in html
    assert "5 sent, 2 skipped" in html


def test_the_panel_takes_as_many_queries_whatever_it_shows(
    browser: Client,
    sent: Campaign,
    django_assert_max_num_queries: Callable[..., Any],
) -> None:
    with django_assert_max_num_queries(12):
        browser.get(fragment(sent))
