"""Enrolling over HTTP: who may, what it answers, that it happens once, and that bad input changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from core import clock
from funnels.actions import cancel_event, enroll
from funnels.models import Enrollment, Event, Registration
from jobs.models import Run
from messaging.models import Contact
from tests.funnels.conftest import ALICE, ENDS, HOUR, STARTS, TODAY
from tests.funnels.telling import live_until, sent

Api = Callable[..., APIClient]
PLACE = "/api/v1/enrollments"
CONSENT = {"channel": "email", "source": "checkout", "wording": "Remind me."}


def wish(event_: Event, **more: Any) -> dict[str, Any]:
    person = {"email": "Ada@Example.com", "first_name": "Ada"}
    return {"event": event_.public_id, "person": person, "consents": [CONSENT], **more}


def test_a_person_is_enrolled_with_consent_and_gets_what_is_due(api: Api, event, before) -> None:
    answer = api("enrollments:write").post(PLACE, wish(event), format="json")

    body = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == f"{PLACE}/{body['id']}"
    assert body["run"] == Enrollment.objects.get().run.public_id
    assert [j["funnel"] for j in body["journeys"]] == ["Before the event"]
    live_until(STARTS)
    assert [step for step, _, _ in sent(event)] == ["welcome", "reminder-24h", "reminder-1h"]
    read = api("enrollments:read").get(f"{PLACE}/{body['id']}").json()
    assert [(r["type"], r["channel"]) for r in read["reminders_sent"]] == [
        ("welcome", "email"),
        ("reminder-24h", "email"),
        ("reminder-1h", "email"),
    ]


def test_the_same_person_again_is_the_same_enrollment(api: Api, event, before) -> None:
    caller = api("enrollments:write")
    first = caller.post(PLACE, wish(event), format="json")
    second = caller.post(PLACE, wish(event), format="json")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert Contact.objects.count() == Registration.objects.count() == 1


def test_one_key_makes_it_happen_once(api: Api, event, before) -> None:
    caller = api("enrollments:write")
    answers = [
        caller.post(PLACE, wish(event), format="json", HTTP_IDEMPOTENCY_KEY="order-17")
        for _ in range(2)
    ]

    assert [each.status_code for each in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Registration.objects.count() == 1


def test_deleting_withdraws_at_once_and_again_changes_nothing(api: Api, event, before, ada) -> None:
    enroll(event, [ada.pk], actor=ALICE)
    mine = Registration.objects.get()
    caller = api("enrollments:write")

    answers = [caller.delete(f"{PLACE}/{mine.public_id}") for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 200]
    assert answers[1].json()["status"] == "withdrawn"
    live_until(STARTS)
    assert sent(event) == []
    assert Enrollment.objects.get().run.status == "cancelled"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"event": "occ_1"}, 400, "event"),
        ({"person": {"email": "no address"}}, 422, "email"),
        ({"person": {}}, 422, "email"),
        ({"contact": "con_1"}, 400, "contact"),
        ({"seats": 2}, 400, "seats"),
        ({"consents": [{"channel": "fax", "source": "form"}]}, 400, "consents"),
    ],
)
def test_bad_input_names_the_field_and_enrolls_nobody(
    api: Api, event, before, change, status, field
) -> None:
    answer = api("enrollments:write").post(PLACE, wish(event, **change), format="json")

    assert answer.status_code == status
    assert field in str(answer.json())
    assert Registration.objects.count() == Contact.objects.count() == 0


def test_nobody_enrolls_in_what_is_over_or_cancelled(api: Api, event, before) -> None:
    caller = api("enrollments:write")
    with clock.travel(to=ENDS):
        late = caller.post(PLACE, wish(event), format="json")
    cancel_event(event, actor=ALICE)
    cancelled = caller.post(PLACE, wish(event), format="json")

    assert (late.status_code, late.json()["code"]) == (422, "event_is_over")
    assert (cancelled.status_code, cancelled.json()["code"]) == (409, "event_is_cancelled")
    assert Registration.objects.count() == Contact.objects.count() == 0


def test_a_list_costs_the_same_for_one_and_for_many(
    api: Api, event, before, make_person, django_assert_num_queries
) -> None:
    caller = api("enrollments:read")
    enroll(event, [make_person("ada").pk], actor=ALICE)
    live_until(TODAY + HOUR)
    caller.get(PLACE)  # that the key is used is written down, now and then
    with CaptureQueriesContext(connection) as few:
        caller.get(PLACE, {"event": event.public_id})
    enroll(event, [make_person(f"guest{number}").pk for number in range(9)], actor=ALICE)
    live_until(TODAY + HOUR)

    with django_assert_num_queries(len(few)):
        listed = caller.get(PLACE, {"event": event.public_id}).json()["results"]

    assert [[r["type"] for r in each["reminders_sent"]] for each in listed] == [["welcome"]] * 10


def test_attendance_can_be_told(api: Api, event, before, ada) -> None:
    enroll(event, [ada.pk], actor=ALICE)
    mine = Registration.objects.get()

    place = f"{PLACE}/{mine.public_id}/attendance"
    answer = api("enrollments:write").put(place, {"attendance": "attended"}, format="json")

    assert (answer.status_code, answer.json()["attendance"]) == (200, "attended")
    mine.refresh_from_db()
    assert (mine.attendance, mine.attendance_source) == ("attended", "person")


def test_keys_need_the_scope_and_strangers_get_nothing(api: Api, event, before, ada) -> None:
    enroll(event, [ada.pk], actor=ALICE)
    mine = f"{PLACE}/{Registration.objects.get().public_id}"

    for caller, status in ((api(), 401), (api("enrollments:read"), 403)):
        assert caller.post(PLACE, wish(event), format="json").status_code == status
        assert caller.delete(mine).status_code == status
        put = caller.put(f"{mine}/attendance", {"attendance": "no_show"}, format="json")
        assert put.status_code == status
    assert api("enrollments:write").get(mine).status_code == 403
    assert Registration.objects.get().status == "registered"


def test_events_from_elsewhere_enroll_and_complete(api: Api, event, before, after) -> None:
    caller = api("events:send")
    data = wish(event)
    sent_in = caller.post(
        "/api/v1/events", {"name": "event.enrolled", "id": "o-1", "data": data}, format="json"
    )
    assert sent_in.status_code < 300
    live_until(ENDS)
    assert len(sent(event)) == 3
    with clock.travel(to=ENDS):
        caller.post(
            "/api/v1/events",
            {
                "name": "event.completed",
                "data": {"event": event.public_id, "attendees": ["ada@example.com"]},
            },
            format="json",
        )
        live_until(ENDS)

    event.refresh_from_db()
    assert (event.status, event.settled_at) == ("completed", ENDS)
    assert [step for step, _, _ in sent(event)][-1] == "thank-you"
    assert Run.objects.filter(status="failed").count() == 0
    assert TODAY < ENDS


def test_an_event_that_names_nobody_is_refused_at_the_door(api: Api, event, before) -> None:
    answer = api("events:send").post(
        "/api/v1/events",
        {"name": "event.enrolled", "data": {"event": event.public_id}},
        format="json",
    )

    assert answer.status_code == 422
    assert "contact" in answer.json()["detail"]
