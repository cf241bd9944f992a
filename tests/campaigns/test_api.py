"""Campaigns over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from campaigns.actions import launch_campaign, pause_campaign, schedule_campaign
from campaigns.models import Campaign
from campaigns.states import Status
from core import clock
from jobs.models import Run
from jobs.testing import run_one, run_until, run_until_idle
from messaging.models import ContactList, Sender, Template
from tests.campaigns.conftest import ALICE, MONDAY

ALL = ("campaigns:read", "campaigns:write", "campaigns:launch")
LIST = "/api/v1/campaigns"


@pytest.fixture
def caller(api: Callable[..., APIClient]) -> APIClient:
    return api(*ALL)


def at(campaign: Campaign, verb: str = "") -> str:
    return f"{LIST}/{campaign.public_id}" + (f"/{verb}" if verb else "")


def test_a_draft_is_created_and_read(
    caller: APIClient, template: Template, sender: Sender, readers: ContactList
) -> None:
    body = {
        "name": "Spring offer",
        "template": template.public_id,
        "sender": sender.public_id,
        "lists": [readers.public_id],
    }

    created = caller.post(LIST, body)

    assert created.status_code == 201
    read = caller.get(created.headers["Location"])
    assert read.json() == created.json()
    assert {key: read.json()[key] for key in body} == body
    assert read.json()["status"] == "draft"
    assert Campaign.objects.get().created_by.startswith("key:")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "#/name"),
        ({"template": "tpl_nothing"}, "#/template"),
        ({"sender": 7}, "#/sender"),
        ({"lists": []}, "#/lists"),
        ({"lists": ["lst_nothing"]}, "#/lists/0"),
    ],
)
def test_an_invalid_value_is_named_and_nothing_is_created(
    caller: APIClient,
    template: Template,
    sender: Sender,
    readers: ContactList,
    change: dict[str, Any],
    pointer: str,
) -> None:
    body = {
        "name": "Spring offer",
        "template": template.public_id,
        "sender": sender.public_id,
        "lists": [readers.public_id],
    }

    answer = caller.post(LIST, body | change)

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not Campaign.objects.exists()


def test_a_body_that_is_not_json_is_refused(caller: APIClient) -> None:
    answer = caller.post(LIST, "{name", content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["code"] == "not_json"


def test_the_list_is_newest_first(
    caller: APIClient, make_campaign: Callable[..., Campaign]
) -> None:
    make_campaign("First")
    make_campaign("Second")

    names = [row["name"] for row in caller.get(LIST).json()["results"]]

    assert names == ["Second", "First"]


def test_the_list_takes_as_many_queries_for_fifty_as_for_one(
    caller: APIClient,
    make_campaign: Callable[..., Campaign],
    django_assert_num_queries: Callable[..., Any],
) -> None:
    make_campaign()
    caller.get(LIST)  # the key's last use is noted
    with django_assert_num_queries(3):  # key, campaigns, their lists
        caller.get(LIST)
    for number in range(49):
        make_campaign(f"Campaign {number}")

    with django_assert_num_queries(3):
        assert len(caller.get(LIST).json()["results"]) == 50


def test_a_draft_is_changed(caller: APIClient, campaign: Campaign) -> None:
    answer = caller.patch(at(campaign), {"name": "Summer offer"})

    assert (answer.status_code, answer.json()["name"]) == (200, "Summer offer")


def test_what_has_started_is_not_changed(caller: APIClient, campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)

    answer = caller.patch(at(campaign), {"name": "Too late"})

    assert answer.status_code == 409
    campaign.refresh_from_db()
    assert campaign.name == "Spring offer"


def test_sending_answers_with_the_run_to_follow(caller: APIClient, campaign: Campaign) -> None:
    answer = caller.post(at(campaign, "send"))

    run = Run.objects.get()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/runs/{run.public_id}"
    assert answer.headers["Retry-After"] == "2"
    assert (answer.json()["status"], answer.json()["run"]) == ("sending", run.public_id)


def test_a_second_send_is_a_409_that_says_since_when(caller: APIClient, campaign: Campaign) -> None:
    caller.post(at(campaign, "send"))

    answer = caller.post(at(campaign, "send"))

    assert answer.status_code == 409
    assert "already sending since" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "#/status"
    assert Run.objects.count() == 1


def test_the_same_idempotency_key_gets_the_same_answer(
    caller: APIClient, campaign: Campaign
) -> None:
    first = caller.post(at(campaign, "send"), HTTP_IDEMPOTENCY_KEY="once")
    again = caller.post(at(campaign, "send"), HTTP_IDEMPOTENCY_KEY="once")

    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Run.objects.count() == 1


def test_an_empty_audience_is_a_422_with_a_remedy(caller: APIClient, campaign: Campaign) -> None:
    ContactList.objects.get().members.all().delete()

    answer = caller.post(at(campaign, "send"))

    assert answer.status_code == 422
    assert answer.json()["code"] == "empty_audience"
    assert answer.json()["remedy"]
    assert not Run.objects.exists()


def test_the_audience_is_counted_with_reasons(caller: APIClient, campaign: Campaign) -> None:
    assert caller.get(at(campaign, "audience")).json() == {
        "total": 7,
        "sendable": 5,
        "skipped": {"no_consent": 2},
        "gaps": [],
    }


def test_a_schedule_is_answered_in_the_zone_of_staff(caller: APIClient, campaign: Campaign) -> None:
    body = {"scheduled_at": "2027-07-01T09:30", "time_zone": "Europe/Berlin"}
    with clock.travel(to=MONDAY):
        answer = caller.post(at(campaign, "schedule"), body)

    assert answer.status_code == 200
    assert answer.json()["status"] == "scheduled"
    assert answer.json()["scheduled_at"] == "2027-07-01T09:30:00+02:00"
    assert answer.json()["time_zone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"scheduled_at": "2027-02-01T09:00Z"}, "#/scheduled_at"),
        ({"scheduled_at": "soon"}, "#/scheduled_at"),
        ({"scheduled_at": "2027-07-01T09:30", "time_zone": "Mars"}, "#/time_zone"),
    ],
)
def test_a_moment_that_may_not_be_is_a_422(
    caller: APIClient, campaign: Campaign, body: dict[str, str], pointer: str
) -> None:
    with clock.travel(to=MONDAY):
        answer = caller.post(at(campaign, "schedule"), body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer
    campaign.refresh_from_db()
    assert campaign.status == Status.DRAFT


def test_a_schedule_is_taken_back(caller: APIClient, campaign: Campaign) -> None:
    with clock.travel(to=MONDAY):
        schedule_campaign(campaign, at=MONDAY.replace(hour=15), time_zone="UTC", actor=ALICE)

    answer = caller.post(at(campaign, "unschedule"))

    assert (answer.status_code, answer.json()["status"]) == (200, "draft")
    assert answer.json()["scheduled_at"] is None


def test_pause_resume_and_cancel(caller: APIClient, campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)
    run_one()

    paused = caller.post(at(campaign, "pause"), {"reason": "a typo"})
    resumed = caller.post(at(campaign, "resume"))
    cancelled = caller.post(at(campaign, "cancel"))

    assert (paused.status_code, paused.json()["paused_reason"]) == (200, "a typo")
    assert (resumed.status_code, resumed.json()["status"]) == (202, "sending")
    assert cancelled.status_code == 202
    assert cancelled.json()["cancel_asked_at"] is not None
    run_until_idle(advance=True)
    assert caller.get(at(campaign)).json()["status"] == "cancelled"


def test_a_pause_needs_no_body(caller: APIClient, campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)

    assert caller.post(at(campaign, "pause")).status_code == 200


def test_while_it_waits_progress_tells_of_the_ledger_and_not_of_the_writing(
    caller: APIClient, campaign: Campaign
) -> None:
    with clock.travel(to=MONDAY):
        launch_campaign(campaign, actor=ALICE)
        run_one()
        pause_campaign(campaign, actor=ALICE)
        run_until(MONDAY + timedelta(seconds=1))

    assert caller.get(at(campaign)).json()["progress"] == {
        "done": 2,
        "total": 7,
        "text": "0 sent, 2 skipped",
    }


def test_progress_is_that_of_the_run(caller: APIClient, campaign: Campaign) -> None:
    launch_campaign(campaign, actor=ALICE)
    run_until_idle(advance=True)

    assert caller.get(at(campaign)).json()["progress"] == {
        "done": 7,
        "total": 7,
        "text": "5 sent, 2 skipped",
    }


@pytest.mark.parametrize("verb", ["", "audience", "send"])
def test_an_unknown_campaign_is_a_404(caller: APIClient, verb: str) -> None:
    method = caller.post if verb == "send" else caller.get

    answer = method(f"{LIST}/cmp_nothing" + (f"/{verb}" if verb else ""))

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
