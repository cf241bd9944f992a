"""Events for staff: to be looked at by all of them, and sent by those who may."""

from __future__ import annotations

import pytest
from django.contrib.messages import get_messages

from jobs.actions import start_run
from jobs.events.dispatching import dispatch_new
from jobs.events.sending import send_event
from jobs.models import Event, Run
from jobs.registry import workflow
from jobs.testing import run_until_idle
from jobs.triggers import Trigger
from tests.jobs.events.test_sending import Placed

pytestmark = pytest.mark.django_db
assert Placed  # its schema is declared

URL = "/admin/jobs/event/"


@workflow("test.page_listener", triggers=[Trigger("page.sent", {"n": 1})])
def listener(run): ...


def test_a_page_shows_the_data_and_the_runs_it_started(client_of, bob):
    event = send_event("page.sent", {"n": 1, "word": "<b>hello</b>"})
    dispatch_new()

    page = client_of(bob).get(f"{URL}{event.pk}/change/").content.decode()

    run = Run.objects.get()
    assert "It started 1 run." in page
    assert f'href="/admin/jobs/run/{run.pk}/change/">{run.public_id}</a>' in page
    assert "&lt;b&gt;hello&lt;/b&gt;" in page
    assert 'hx-trigger="every' not in page


def test_a_page_says_why_nothing_happened(client_of, bob):
    event = send_event("page.sent", {"n": 2})
    dispatch_new()

    page = client_of(bob).get(f"{URL}{event.pk}/change/").content.decode()

    assert "It did nothing." in page
    assert "n is 2, not 1" in page


def test_the_list_says_what_came_of_each(client_of, bob):
    for n in (1, 2):
        send_event("page.sent", {"n": n})
    dispatch_new()
    send_event("page.sent")
    Event.objects.filter(data={"n": 2}).update(error="boom")

    page = client_of(bob).get(URL)

    model_admin = page.context["cl"].model_admin
    assert [model_admin.came_of_it(event) for event in page.context["cl"].result_list] == [
        "not yet",
        "failed",
        "started 1",
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("outcome=did", [1]),
        ("outcome=nothing", [3]),
        ("outcome=failed", [2]),
        ("name=page.sent", [2, 1]),
        ("q=page.other", [3]),
        ("q=given-1", [1]),
        ("q=nothing", []),
    ],
)
def test_events_are_found_by_name_id_and_outcome(client_of, bob, query, found):
    send_event("page.sent", {"n": 1}, id="given-1")
    send_event("page.sent", {"n": 2})
    send_event("page.other", {"n": 3})
    dispatch_new()
    Event.objects.filter(data={"n": 2}).update(error="boom")

    page = client_of(bob).get(f"{URL}?{query}")

    assert [event.data["n"] for event in page.context["cl"].result_list] == found


def test_an_event_is_found_by_its_public_id(client_of, bob):
    event = send_event("page.sent")
    send_event("page.sent")

    page = client_of(bob).get(f"{URL}?q={event.public_id}")

    assert [found.pk for found in page.context["cl"].result_list] == [event.pk]


def test_the_list_asks_no_more_questions_for_more_events(client_of, bob, django_assert_num_queries):
    client = client_of(bob)
    send_event("page.sent")
    client.get(URL)
    with django_assert_num_queries(7) as few:
        client.get(URL)
    for _ in range(30):
        send_event("page.sent")

    with django_assert_num_queries(len(few.captured_queries)):
        client.get(URL)


def test_oscar_sends_an_event_by_hand(client_of, oscar):
    answer = client_of(oscar).post(
        f"{URL}add/", {"name": "page.sent", "data": '{"n": 1}', "given_id": "x"}
    )

    event = Event.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"{URL}{event.pk}/change/")
    assert (event.data, event.dedup_key, event.actor) == ({"n": 1}, "x", "staff:oscar")


def test_a_repeated_id_leads_to_the_first_event_and_says_so(client_of, oscar):
    first = send_event("page.sent", id="x")
    client = client_of(oscar)

    answer = client.post(f"{URL}add/", {"name": "page.sent", "data": "{}", "given_id": "x"})

    assert answer["Location"] == f"{URL}{first.pk}/change/"
    assert any("sent before" in str(said) for said in get_messages(answer.wsgi_request))
    assert Event.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "a?", "data": "{}"}, "is no name of an event"),
        ({"name": "a", "data": "{oops"}, "Enter a valid JSON"),
        ({"name": "test.placed", "data": "{}"}, "client: field required"),
    ],
)
def test_what_may_not_be_is_said_in_the_form(client_of, oscar, given, words):
    answer = client_of(oscar).post(f"{URL}add/", {**given, "given_id": ""})

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert Event.objects.count() == 0


def test_oscar_sends_an_event_again(client_of, oscar):
    event = send_event("page.sent", {"n": 1}, id="x")

    client_of(oscar).post(f"{URL}{event.pk}/send/")

    again = Event.objects.exclude(pk=event.pk).get()
    assert (again.data, again.dedup_key, again.actor) == ({"n": 1}, "", "staff:oscar")


def test_bob_may_look_and_not_send(client_of, bob):
    event = send_event("page.sent")
    client = client_of(bob)

    assert client.post(f"{URL}{event.pk}/send/").status_code == 403
    assert client.post(f"{URL}add/", {"name": "a", "data": "{}"}).status_code == 403
    assert Event.objects.count() == 1


def test_nobody_changes_or_deletes_an_event(client_of, alice):
    event = send_event("page.sent")
    client = client_of(alice)

    assert client.post(f"{URL}{event.pk}/change/", {"name": "b"}).status_code == 403
    assert client.post(f"{URL}{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Event.objects.get().name == "page.sent"


def test_charlie_sees_nothing(client_of, charlie):
    event = send_event("page.sent")

    assert client_of(charlie).get(f"{URL}{event.pk}/change/").status_code == 302


@workflow("test.page_waits")
def waits(run):
    run.wait_for("it", "page.sent", match={"n": 7})


def test_a_page_says_which_runs_an_event_woke(client_of, bob):
    run = start_run("test.page_waits")
    run_until_idle()
    event = send_event("page.sent", {"n": 7})
    run_until_idle()

    page = client_of(bob).get(f"{URL}{event.pk}/change/").content.decode()

    assert "It woke 1 run." in page
    assert run.public_id in page
