"""Events over HTTP: with the right key, and only so."""

from __future__ import annotations

import pytest

from jobs.events.dispatching import dispatch_new
from jobs.events.sending import send_event
from jobs.models import Event, Run
from jobs.registry import workflow
from jobs.triggers import Trigger
from tests.jobs.events.test_sending import Placed

pytestmark = pytest.mark.django_db
assert Placed  # its schema is declared

URL = "/api/v1/events"


@workflow("test.api_listener", triggers=[Trigger("api.sent")])
def listener(run): ...


def test_one_event_is_sent(api):
    answer = api("events:send").post(URL, {"name": "api.sent", "data": {"n": 1}, "id": "x"})

    event = Event.objects.get()
    assert (answer.status_code, answer.json()) == (202, {"ids": [event.public_id]})
    assert answer.headers["Location"] == f"{URL}/{event.public_id}"
    assert (event.data, event.dedup_key, event.actor[:4]) == ({"n": 1}, "x", "key:")


def test_a_list_is_sent_and_a_repeated_id_answers_with_the_first(api):
    client = api("events:send")
    body = [{"name": "a", "id": "1"}, {"name": "b", "at": "2026-06-01T12:00:00+02:00"}]

    first, second = client.post(URL, body), client.post(URL, body[:1])

    assert (first.status_code, len(first.json()["ids"]), Event.objects.count()) == (202, 2, 2)
    assert second.json()["ids"] == first.json()["ids"][:1]
    assert Event.objects.get(name="b").occurred_at.isoformat() == "2026-06-01T10:00:00+00:00"


def test_a_request_that_is_repeated_under_its_key_sends_once(api):
    client = api("events:send")

    answers = [client.post(URL, {"name": "a"}, headers={"Idempotency-Key": "k"}) for _ in range(2)]

    assert answers[0].json() == answers[1].json()
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 400, "#/name"),
        ({"name": "a", "dta": 1}, 400, "#/dta"),
        ([{"name": "a"}, {"name": "b", "at": "soon"}], 400, "#/1/at"),
        ({"name": "a?"}, 422, "#/name"),
        ({"name": "a", "data": [1]}, 422, "#/data"),
        ({"name": "test.placed", "data": {"client": "x"}}, 422, "#/data/client"),
        (
            [{"name": "a"}, {"name": "test.placed", "data": {"client": 1, "lines": [{}]}}],
            422,
            "#/1/data/lines/0/sku",
        ),
    ],
)
def test_what_may_not_be_is_refused_naming_its_place(api, body, status, pointer):
    answer = api("events:send").post(URL, body)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (status, pointer)
    assert Event.objects.count() == 0


def test_an_event_is_read_with_what_came_of_it(api):
    event = send_event("api.sent", {"n": 1})
    dispatch_new()

    body = api("events:read").get(f"{URL}/{event.public_id}").json()

    assert (body["name"], body["data"], body["outcome"]) == (
        "api.sent",
        {"n": 1},
        "It started 1 run.",
    )
    [effect] = body["effects"]
    assert (effect["kind"], effect["workflow"]) == ("started", "test.api_listener")
    assert effect["run"] == Run.objects.get().public_id


def test_events_are_listed_newest_first_and_by_name(api):
    for name in ("a", "b", "a"):
        send_event(name)
    client = api("events:read")

    assert [e["name"] for e in client.get(URL).json()["results"]] == ["a", "b", "a"]
    assert [e["name"] for e in client.get(f"{URL}?name=b").json()["results"]] == ["b"]


def test_a_key_that_may_only_read_sends_nothing_and_the_other_way_round(api):
    event = send_event("a")

    assert api("events:read").post(URL, {"name": "b"}).status_code == 403
    assert api("events:send").get(URL).status_code == 403
    assert api("events:send").get(f"{URL}/{event.public_id}").status_code == 403
    assert Event.objects.count() == 1
