"""The front page tells what waits for a person and what is under way, to those who may see it, and leads there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from campaigns.actions import create_campaign, pause_campaign, resume_campaign, schedule_campaign
from campaigns.actions import launch_campaign as launch
from campaigns.models import Campaign
from config import front
from core import clock
from jobs.models import Run
from jobs.starting import start_run
from messaging.actions.consent import give_consent
from messaging.actions.people import add_to_list, create_contact, create_list
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import Sender
from messaging.states import SenderStatus

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]
ALICE = "staff:alice"
MONDAY = datetime(2027, 3, 1, 9, tzinfo=UTC)


def waiting(client: Client) -> list[tuple[int, str, str]]:
    shown = client.get("/admin/").context["waiting"]
    return [(each.count, each.text, each.link) for each in shown]


def jobs(client: Client) -> list[tuple[str, str, str]]:
    return [(job.title, job.look.word, job.detail) for job in client.get("/admin/").context["jobs"]]


def fail_runs(count: int) -> None:
    runs = [start_run("hello_world", input={"name": str(n)}).pk for n in range(count)]
    Run.objects.filter(pk__in=runs).update(status="failed", failure="it broke")


def make_campaign(name: str) -> Campaign:
    """Write a campaign to one person, who agreed to it yesterday."""
    with clock.travel(to=MONDAY - timedelta(days=1)):
        readers = create_list(name=f"Readers of {name}", actor=ALICE)
        person = create_contact(email=f"{name}@example.com", actor=ALICE)
        give_consent(person, Channel.EMAIL, source="form", actor=ALICE)
        add_to_list(readers, [person], actor=ALICE)
    sender, _ = Sender.objects.get_or_create(name="News", from_email="news@example.com", lanes=1)
    template = create_template(name=name, actor=ALICE)
    save_version(template, actor=ALICE, subject="Hello", html="<p>Hello</p>")
    return create_campaign(
        name=name, template=template, sender=sender, lists=[readers], actor=ALICE
    )


def test_where_nothing_waits_it_says_so(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)

    html = client.get("/admin/").content.decode()

    assert waiting(client) == []
    assert "Nothing. What fails, is in doubt or needs your decision stands here." in html
    assert "No campaign, import or funnel is at work." in html


def test_what_waits_is_counted_and_its_list_is_one_click_away(
    client_of: ClientOf, alice: User
) -> None:
    client = client_of(alice)
    fail_runs(3)
    Run.objects.filter(pk=Run.objects.latest("pk").pk).update(dismissed_at=clock.now())
    Sender.objects.create(name="News", from_email="news@example.com", status=SenderStatus.PAUSED)

    found = waiting(client)

    assert found == [
        (2, "runs failed", f"{reverse('admin:jobs_run_changelist')}?failure=any"),
        (1, "sender is paused", reverse("admin:messaging_sender_changelist")),
    ]
    assert [client.get(link).status_code for _, _, link in found] == [200, 200]
    assert client.get(found[0][2]).context["cl"].result_count == 2


def test_every_matter_leads_to_a_list_that_knows_its_filter(
    client_of: ClientOf, alice: User
) -> None:
    client = client_of(alice)

    for matter in front.MATTERS:
        link = front.page_of(matter.rows().model, "changelist")
        answer = client.get(f"{link}?{matter.query}")
        assert answer.status_code == 200, matter.many
        assert answer.request["QUERY_STRING"] == matter.query  # an unknown filter is sent elsewhere


def test_who_may_not_see_runs_is_not_told_of_them(client_of: ClientOf, charlie: User) -> None:
    User.objects.filter(pk=charlie.pk).update(is_staff=True)
    fail_runs(1)

    assert waiting(client_of(charlie)) == []


def test_large_numbers_are_not_counted_to_their_end() -> None:
    assert front.Waiting(1000, "runs failed", "", "bad").figure == "1,000 or more"
    assert front.Waiting(999, "runs failed", "", "bad").figure == "999"


def test_campaigns_at_work_and_those_to_come_are_under_way(
    client_of: ClientOf, alice: User
) -> None:
    client = client_of(alice)
    with clock.travel(to=MONDAY):
        sending, planned = make_campaign("Spring"), make_campaign("Summer")
        launch(sending, actor=ALICE)
        schedule_campaign(
            planned, at=datetime(2027, 3, 2, 9, tzinfo=UTC), time_zone="UTC", actor=ALICE
        )

        shown = jobs(client)
        pause_campaign(sending, actor=ALICE)

        assert shown == [
            ("Spring", "Sending", "from News"),
            ("Summer", "Scheduled", "2 March 2027, 09:00 (UTC), from News"),
        ]
        assert [title for title, _, _ in jobs(client)] == ["Summer"]
        assert [text for _, text, _ in waiting(client)] == ["campaign is paused"]
        resume_campaign(sending, actor=ALICE)
        assert waiting(client) == []


def test_the_panel_asks_for_itself_and_is_the_staffs_alone(
    client_of: ClientOf, alice: User, charlie: User, client: Client
) -> None:
    panel = reverse("front-panel")

    html = client_of(alice).get(panel).content.decode()

    assert f'hx-get="{panel}"' in html
    assert client.get(panel).status_code == 302
    assert client_of(charlie).get(panel).status_code == 302
