"""Callers of the Inngest Event API move over by changing a base URL and a key: shown with their own package."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from core import clock
from core.keys import revoke_key
from core.models import ApiKey
from jobs.events import inngest as door
from jobs.events.dispatching import dispatch_new
from jobs.events.sending import send_event
from jobs.models import Event, Run
from jobs.registry import workflow
from jobs.testing import run_until_idle
from jobs.triggers import Trigger
from tests.jobs.events.test_sending import Placed

assert Placed  # its schema is declared
CALLER = """
import asyncio, json, sys
import inngest

url, key, how = sys.argv[1:]
events = [inngest.Event(**each) for each in json.load(sys.stdin)]
client = inngest.Inngest(app_id="shop", event_api_base_url=url, event_key=key, is_production=True)
try:
    ids = asyncio.run(client.send(events)) if how == "async" else client.send_sync(events)
except Exception as error:
    print(json.dumps({"error": str(error)}))
else:
    print(json.dumps({"ids": ids}))
"""
SEED = "1743130137367,eii2YKXRVTJPuA=="


@workflow("test.inngest_listener", triggers=[Trigger("app/user.created")])
def listener(run, *, userId):  # noqa: N803 - as their callers spell it
    return [userId, run.event.extra]


@pytest.fixture
def key(api_key: Callable[..., str]) -> str:
    return api_key("events:send")


def post(key: str, body: Any, **headers: str) -> Any:
    text = body if isinstance(body, str) else json.dumps(body)
    kind = headers.pop("content_type", "application/json")
    return Client(enforce_csrf_checks=True).post(
        f"/e/{key}", text, content_type=kind, headers=headers
    )


class TestTheirOwnPackage:
    """The official SDK for Python against a live server."""

    pytestmark = pytest.mark.django_db(transaction=True)

    @pytest.fixture
    def call(self, live_server: Any) -> Callable[..., dict[str, Any]]:
        """Send events as a program elsewhere does; return what the package made of the answer."""

        def send(key: str, events: list[dict[str, Any]], how: str = "sync") -> dict[str, Any]:
            done = subprocess.run(
                [sys.executable, "-c", CALLER, live_server.url, key, how],
                input=json.dumps(events),
                capture_output=True,
                text=True,
                timeout=60,
            )
            answer: dict[str, Any] = json.loads(done.stdout)
            return answer

        return send

    def test_it_sends_one_event(self, call: Callable[..., Any], key: str) -> None:
        event = {"name": "app/user.created", "data": {"userId": "u-1"}, "id": "u-1"}

        answer = call(key, [{**event, "ts": 1_750_000_000_000}])

        kept = Event.objects.get()
        assert answer == {"ids": [kept.public_id]}
        assert (kept.data, kept.dedup_key) == ({"userId": "u-1"}, "u-1")
        assert kept.occurred_at == datetime(2025, 6, 15, 15, 6, 40, tzinfo=UTC)
        run_until_idle()
        assert Run.objects.get().output == ["u-1", {}]

    def test_it_sends_many_from_asynchronous_code(self, call: Callable[..., Any], key: str) -> None:
        answer = call(key, [{"name": "app/n", "data": {"n": n}} for n in range(50)], "async")

        kept = list(Event.objects.order_by("id"))
        assert [event.data["n"] for event in kept] == list(range(50))
        assert answer == {"ids": [event.public_id for event in kept]}

    def test_it_understands_what_is_refused(self, call: Callable[..., Any], key: str) -> None:
        answer = call(key, [{"name": "app/n"}, {"name": "test.placed"}])

        assert answer["error"].startswith("Event 2: The data of test.placed does not fit: client:")
        assert Event.objects.count() == 0

    def test_it_understands_that_its_key_is_wrong(self, call: Callable[..., Any]) -> None:
        assert call("key_live_00000000_x", [{"name": "a"}]) == {"error": "Event key not found."}

    def test_a_curl_as_in_a_github_action(self, live_server: Any, key: str) -> None:
        answer = subprocess.run(
            ["curl", "-s", "--fail-with-body", "-X", "POST", f"{live_server.url}/e/{key}"]
            + ["--data", '{"name": "deploy.finished", "data": {"commit": "abc"}}'],
            capture_output=True,
            text=True,
            timeout=20,
        )

        event = Event.objects.get()
        assert json.loads(answer.stdout) == {"ids": [event.public_id], "status": 200}
        assert event.data == {"commit": "abc"}


@pytest.mark.django_db
class TestTheAnswers:
    def test_one_event_or_a_list(self, key: str) -> None:
        one, many = (
            post(key, {"name": "a"}),
            post(key, [{"name": "b"}, {"name": "c", "data": None}]),
        )

        assert (one.status_code, many.status_code) == (200, 200)
        ids = [event.public_id for event in Event.objects.order_by("id")]
        assert one.json() == {"ids": ids[:1], "status": 200}
        assert many.json() == {"ids": ids[1:], "status": 200}

    def test_what_stands_beside_the_data_is_kept(self, key: str) -> None:
        post(key, {"name": "app/user.created", "data": {"userId": 1}, "user": {"e": 1}, "v": "2"})
        run_until_idle()

        assert Run.objects.get().output == [1, {"user": {"e": 1}, "v": "2"}]

    def test_the_content_type_does_not_matter(self, key: str) -> None:
        answer = post(key, {"name": "a"}, content_type="application/x-www-form-urlencoded")

        assert answer.status_code == 200

    def test_a_repeated_id_answers_with_the_first(self, key: str) -> None:
        first = post(key, {"name": "a", "id": "x"}).json()

        assert post(key, {"name": "a", "id": "x"}).json() == first
        assert Event.objects.count() == 1

    def test_a_second_try_under_the_same_seed_counts_once(self, key: str) -> None:
        body = [{"name": "a", "data": {"n": 1}}, {"name": "a", "data": {"n": 2}}]

        answers = [post(key, body, **{door.SEED_HEADER: SEED}).json() for _ in range(2)]

        assert answers[0] == answers[1]
        assert [event.data["n"] for event in Event.objects.order_by("id")] == [1, 2]

    def test_a_seed_that_is_none_is_no_seed(self, key: str) -> None:
        for _ in range(2):
            post(key, {"name": "a"}, **{door.SEED_HEADER: "hello"})

        assert Event.objects.count() == 2

    def test_a_moment_in_the_future_delays_what_is_started(self, key: str) -> None:
        later = int((clock.now().timestamp() + 3600) * 1000)
        post(key, {"name": "app/user.created", "data": {"userId": 1}, "ts": later})
        dispatch_new()

        run = Run.objects.get()
        assert (run.status, int(run.due_at.timestamp() * 1000)) == ("waiting", later)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("{oops", "The body is not JSON"),
            ("", "The body is not JSON"),
            ("[]", "The body has 0 events"),
            ("7", "Event 1 is not an object"),
            ('{"data": {}}', "Event 1 has no name"),
            ('[{"name": "a"}, {"name": 7}]', "Event 2 has no name"),
            ('{"name": "a", "data": [1]}', "Event 1: The data is not a JSON object."),
            ('{"name": "a", "id": 7}', "The id of event 1 is not a text."),
            ('{"name": "a", "ts": "now"}', "The ts of event 1 is 'now'."),
            ('{"name": "a", "ts": true}', "The ts of event 1 is True."),
            ('{"name": "a", "ts": 1750000000}', "between the years 1980 and 2100"),
            ('{"name": "a", "data": {"x": "\\u0000"}}', "NUL character"),
        ],
    )
    def test_what_may_not_be_is_a_400_that_says_why(self, key: str, body: str, words: str) -> None:
        answer = post(key, body)

        told = answer.json()
        assert (answer.status_code, told["status"], told["ids"]) == (400, 400, [])
        assert words in told["error"]
        assert Event.objects.count() == 0

    def test_a_body_that_is_too_large_is_a_413(self, key: str, monkeypatch: Any) -> None:
        monkeypatch.setattr(door, "MOST_BYTES", 100)

        answer = post(key, {"name": "a", "data": {"x": "y" * 100}})

        assert (answer.status_code, answer.json()["status"]) == (413, 413)

    def test_a_key_without_the_scope_is_a_403(self, api_key: Callable[..., str]) -> None:
        answer = post(api_key("events:read"), {"name": "a"})

        assert (answer.status_code, answer.json()["error"]) == (
            403,
            "This key lacks the scope events:send.",
        )
        assert Event.objects.count() == 0

    def test_a_key_that_was_revoked_is_a_401(self, key: str) -> None:
        revoke_key(ApiKey.objects.get(), actor="system")

        answer = post(key, {"name": "a"})

        assert (answer.status_code, answer.json()) == (
            401,
            {"error": "Event key not found.", "status": 401, "ids": []},
        )

    def test_only_post_sends(self, key: str, client: Client) -> None:
        assert client.get(f"/e/{key}").status_code == 405


@pytest.mark.django_db
def test_an_event_sent_here_and_one_sent_there_are_alike(key: str) -> None:
    post(key, {"name": "a", "data": {"n": 1}, "id": "x"})

    assert send_event("a", {"n": 1}, id="x").is_duplicate
