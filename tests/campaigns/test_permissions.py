"""Who may do what, at every door; and that nothing happened where it was refused.

Alice owns, Oscar operates, Bob may look, Charlie is nobody. Dana may launch and Erin may control,
each without the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from campaigns.actions import launch_campaign, pause_campaign, schedule_campaign
from campaigns.models import Campaign
from campaigns.states import Status
from core import clock
from jobs.models import Run
from tests.campaigns.conftest import ALICE, MONDAY

PEOPLE = ["alice", "oscar", "bob", "charlie", "dana", "erin", "nobody"]
LAUNCHERS = {"alice", "oscar", "dana"}
CONTROLLERS = {"alice", "oscar", "erin"}
LOOKERS = {"alice", "oscar", "bob", "dana", "erin"}
WRITERS = {"alice", "oscar"}

#: button -> (who may press it, the state it starts from, the state it leads to)
BUTTONS = {
    "send": (LAUNCHERS, Status.DRAFT, Status.SENDING),
    "schedule": (LAUNCHERS, Status.DRAFT, Status.SCHEDULED),
    "unschedule": (LAUNCHERS, Status.SCHEDULED, Status.DRAFT),
    "send_late": (LAUNCHERS, Status.SCHEDULED, Status.SENDING),
    "pause": (CONTROLLERS, Status.SENDING, Status.PAUSED),
    "resume": (CONTROLLERS, Status.PAUSED, Status.SENDING),
    "cancel": (CONTROLLERS, Status.SCHEDULED, Status.CANCELLED),
}
ANSWERS = {"schedule": {"date": "2027-07-01", "time": "09:30", "time_zone": "Europe/Berlin"}}
#: endpoint -> (who may call it with a log-in, the scope of a key, method, state before and after)
ENDPOINTS = {
    "": (LOOKERS, "campaigns:read", "get", Status.DRAFT, Status.DRAFT),
    "audience": (LOOKERS, "campaigns:read", "get", Status.DRAFT, Status.DRAFT),
    "send": (LAUNCHERS, "campaigns:launch", "post", Status.DRAFT, Status.SENDING),
    "schedule": (LAUNCHERS, "campaigns:launch", "post", Status.DRAFT, Status.SCHEDULED),
    "unschedule": (LAUNCHERS, "campaigns:launch", "post", Status.SCHEDULED, Status.DRAFT),
    "pause": (CONTROLLERS, "campaigns:launch", "post", Status.SENDING, Status.PAUSED),
    "resume": (CONTROLLERS, "campaigns:launch", "post", Status.PAUSED, Status.SENDING),
    "cancel": (CONTROLLERS, "campaigns:launch", "post", Status.SCHEDULED, Status.CANCELLED),
}
BODIES = {"schedule": {"scheduled_at": "2027-07-01T09:30", "time_zone": "Europe/Berlin"}}
SCOPES = {"campaigns:read", "campaigns:write", "campaigns:launch"}


@pytest.fixture
def person(
    request: pytest.FixtureRequest, staff_with: Callable[..., User]
) -> Callable[[str], User | None]:
    def named(name: str) -> User | None:
        if name == "dana":
            return staff_with("launch_campaign", name="dana")
        if name == "erin":
            return staff_with("control_campaign", name="erin")
        return None if name == "nobody" else request.getfixturevalue(name)

    return named


def browser(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def brought_to(campaign: Campaign, status: Status) -> Campaign:
    """Return the campaign after the actions that lead to a state."""
    if status == Status.SCHEDULED:
        schedule_campaign(campaign, at=MONDAY.replace(hour=15), time_zone="UTC", actor=ALICE)
    if status in (Status.SENDING, Status.PAUSED):
        launch_campaign(campaign, actor=ALICE)
    if status == Status.PAUSED:
        pause_campaign(campaign, actor=ALICE)
    return campaign


def status_of(campaign: Campaign) -> str:
    return Campaign.objects.get(pk=campaign.pk).status


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("verb", BUTTONS)
def test_a_button_works_for_those_who_may_and_for_nobody_else(
    campaign: Campaign, person: Callable[[str], User | None], verb: str, name: str
) -> None:
    allowed, before, after = BUTTONS[verb]
    client = browser(person(name))
    url = reverse(f"admin:campaigns_campaign_{verb}", args=[campaign.pk])
    with clock.travel(to=MONDAY):
        brought_to(campaign, before)
        answer = client.post(url, ANSWERS.get(verb, {}))

    assert status_of(campaign) == (after if name in allowed else before)
    if name not in allowed:
        assert answer.status_code in (302, 403)
        assert Run.objects.filter(actor__startswith="staff:" + name).count() == 0


@pytest.mark.parametrize("verb", BUTTONS)
def test_looking_at_a_question_does_nothing(campaign: Campaign, alice: User, verb: str) -> None:
    _, before, _ = BUTTONS[verb]
    with clock.travel(to=MONDAY):
        brought_to(campaign, before)
        runs = Run.objects.count()
        answer = browser(alice).get(reverse(f"admin:campaigns_campaign_{verb}", args=[campaign.pk]))

    assert answer.status_code == 200
    assert status_of(campaign) == before
    assert Run.objects.count() == runs


def test_a_button_without_csrf_token_does_nothing(campaign: Campaign, alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)

    answer = client.post(reverse("admin:campaigns_campaign_send", args=[campaign.pk]))

    assert answer.status_code == 403
    assert status_of(campaign) == Status.DRAFT


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("page", ["changelist", "change", "panel", "add"])
def test_pages_open_for_those_who_may_look_and_drafts_for_those_who_may_write(
    campaign: Campaign, person: Callable[[str], User | None], page: str, name: str
) -> None:
    arguments = [campaign.pk] if page in ("change", "panel") else []
    url = reverse(f"admin:campaigns_campaign_{page}", args=arguments)

    answer = browser(person(name)).get(url)

    allowed = WRITERS if page == "add" else LOOKERS
    assert (answer.status_code == 200) == (name in allowed)


@pytest.mark.parametrize("name", PEOPLE)
def test_a_draft_is_saved_by_those_who_may_write_alone(
    campaign: Campaign, person: Callable[[str], User | None], name: str
) -> None:
    form = {
        "name": "Changed",
        "template": str(campaign.template_id),
        "sender": str(campaign.sender_id),
        "lists": [str(each.pk) for each in campaign.lists.all()],
        "quiet_hours": "hold",
        "over_cap": "hold",
    }

    browser(person(name)).post(reverse("admin:campaigns_campaign_change", args=[campaign.pk]), form)

    campaign.refresh_from_db()
    assert campaign.name == ("Changed" if name in WRITERS else "Spring offer")


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("verb", ENDPOINTS)
def test_an_endpoint_answers_log_ins_that_may(
    campaign: Campaign, person: Callable[[str], User | None], verb: str, name: str
) -> None:
    allowed, _, method, before, after = ENDPOINTS[verb]
    client = APIClient()
    client.force_login(person(name)) if name != "nobody" else None
    with clock.travel(to=MONDAY):
        brought_to(campaign, before)
        answer = call(client, campaign, verb, method)

    assert status_of(campaign) == (after if name in allowed else before)
    if name not in allowed:
        assert answer.status_code == (401 if name == "nobody" else 403)


@pytest.mark.parametrize("verb", ENDPOINTS)
def test_an_endpoint_answers_keys_that_carry_its_scope(
    campaign: Campaign, api: Callable[..., APIClient], verb: str
) -> None:
    _, scope, method, before, after = ENDPOINTS[verb]
    with clock.travel(to=MONDAY):
        brought_to(campaign, before)
        refused = call(api(*(SCOPES - {scope})), campaign, verb, method)
        untouched = status_of(campaign)
        allowed = call(api(scope), campaign, verb, method)

    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert untouched == before
    assert allowed.status_code in (200, 202)
    assert status_of(campaign) == after


def test_creating_needs_the_scope_to_write(
    campaign: Campaign, api: Callable[..., APIClient]
) -> None:
    body = {
        "name": "Other",
        "template": campaign.template.public_id,
        "sender": campaign.sender.public_id,
        "lists": [each.public_id for each in campaign.lists.all()],
    }

    refused = api("campaigns:read", "campaigns:launch").post("/api/v1/campaigns", body)

    assert refused.status_code == 403
    assert Campaign.objects.count() == 1
    assert api("campaigns:write").post("/api/v1/campaigns", body).status_code == 201


def call(client: APIClient, campaign: Campaign, verb: str, method: str) -> Any:
    url = f"/api/v1/campaigns/{campaign.public_id}" + (f"/{verb}" if verb else "")
    return getattr(client, method)(url, BODIES.get(verb))
