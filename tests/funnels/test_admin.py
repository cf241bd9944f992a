"""The pages of staff: who may press what, what they show, and that nothing happens where it was refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from core import clock
from funnels.actions import draft_version, enroll
from funnels.models import Enrollment, Event, FunnelVersion, Launch, Registration
from messaging.actions.people import add_to_list, create_list
from tests.funnels.conftest import ALICE, ENDS, HOUR, TODAY
from tests.funnels.telling import live_until

ClientOf = Callable[..., Client]


def page(model: str, obj: Any, name: str = "change") -> str:
    return reverse(f"admin:funnels_{model}_{name}", args=[obj.pk])


@pytest.fixture
def registration(event, before, after, ada) -> Registration:
    enroll(event, [ada.pk], actor=ALICE)
    live_until(TODAY + HOUR)
    return Registration.objects.get()


def test_the_flow_shows_anchors_steps_branches_and_live_counts(
    client_of: ClientOf, bob: User, registration
):
    before, after = Launch.objects.order_by("launched_at", "pk")

    first = client_of(bob).get(page("launch", before)).content.decode()
    second = client_of(bob).get(page("launch", after)).content.decode()

    for word in ("Somebody enrolls", "The event starts", "reminder-24h", "24 hours before"):
        assert word in first
    assert "Sun 14 Mar, 18:00 SAST" in first
    assert first.count("<b>1</b> waiting") == 4
    assert first.count("<b>1</b> sent") == 1
    for word in ("It is known who came", "Who attended", "No-shows", "sorry-missed"):
        assert word in second


def test_a_persons_page_tells_what_was_sent_and_what_will_be(
    client_of: ClientOf, bob: User, registration
):
    told = client_of(bob).get(page("registration", registration)).content.decode()

    assert "Mon 1 Mar 2027, 11:00 SAST" in told
    assert told.count("Waits for its moment") == 4
    assert told.count("Once it is known who came") == 6


def test_a_dry_run_tells_what_anybody_would_get_and_writes_nothing(
    client_of: ClientOf, bob: User, event, before, after, make_person
):
    make_person("ben", agrees=("email",))
    asked = {
        "person": "ben@example.com",
        "enrolled_at": "2027-03-15T14:30",
        "attendance": "no_show",
    }

    told = client_of(bob).get(page("event", event, "dry_run"), asked).content.decode()

    assert "Not sent: enrolled after its moment" in told
    assert "Not sent: no consent" in told
    assert told.count("Not sent: for the other branch") == 3
    assert Registration.objects.count() == 0


def test_a_rate_that_is_too_slow_is_warned_of(
    client_of: ClientOf, alice: User, event, before, make_person, senders
):
    enroll(event, [make_person(f"guest{n}").pk for n in range(30)], actor=ALICE)
    senders[0].rate_per_second = 0.02
    senders[0].save()

    told = client_of(alice).get(page("launch", before)).content.decode()

    assert "reminder-1h cannot be on time for everybody" in told
    assert "reminder-24h cannot be on time" not in told


def test_staff_plan_an_event_and_move_it(client_of: ClientOf, oscar: User, before):
    client = client_of(oscar)
    form = {
        "title": "Class",
        "starts_at_0": "2027-03-20",
        "starts_at_1": "10:00:00",
        "ends_at_0": "2027-03-20",
        "ends_at_1": "11:00:00",
        "time_zone": "Europe/Berlin",
        "resources": "[]",
        "attendance_minutes": "10",
    }
    client.post(reverse("admin:funnels_event_add"), form)
    made = Event.objects.get(title="Class")
    client.post(
        page("event", made), {**form, "starts_at_0": "2027-03-19", "ends_at_0": "2027-03-19"}
    )
    refused = client.post(page("event", made), {**form, "ends_at_1": "09:00:00"})

    made.refresh_from_db()
    assert (made.starts_at.day, made.created_by) == (19, "staff:oscar")
    assert "before it starts" in refused.content.decode()


#: button -> (model, who may press it, what it is pressed with)
BUTTONS = {
    "launch": ("event", {"alice", "oscar"}),
    "enroll": ("event", {"alice", "oscar"}),
    "cancel": ("event", {"alice", "oscar"}),
    "pause": ("launch", {"alice", "oscar"}),
    "end": ("launch", {"alice", "oscar"}),
    "withdraw": ("registration", {"alice", "oscar"}),
    "attended": ("registration", {"alice", "oscar"}),
    "publish": ("funnelversion", {"alice", "oscar"}),
    "draft": ("funnel", {"alice", "oscar"}),
}


@pytest.mark.parametrize("name", BUTTONS)
@pytest.mark.parametrize("who", ["alice", "oscar", "bob", "charlie"])
def test_who_may_press_what(
    request: pytest.FixtureRequest, client_of: ClientOf, registration, make_person, name, who
):
    model, allowed = BUTTONS[name]
    user = request.getfixturevalue(who)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    launch = Launch.objects.order_by("launched_at", "pk").first()
    draft = draft_version(launch.funnel, actor=ALICE)
    people = create_list(name="Guests", actor=ALICE)
    add_to_list(people, [make_person("ben")], actor=ALICE)
    things = {
        "event": registration.event,
        "launch": launch,
        "registration": registration,
        "funnelversion": draft,
        "funnel": launch.funnel,
    }
    before = snapshot()

    answers = {"list": people.pk, "funnel": launch.funnel.pk, "reason": ""}
    answer = client_of(user).post(page(model, things[model], name), answers)

    assert answer.status_code == (302 if who in allowed else 403)
    if who not in allowed:
        assert snapshot() == before


def snapshot() -> tuple[Any, ...]:
    return (
        list(Event.objects.values_list("status")),
        list(Launch.objects.values_list("status").order_by("pk")),
        list(Registration.objects.values_list("status", "attendance").order_by("pk")),
        list(Enrollment.objects.values_list("status").order_by("pk")),
        list(FunnelVersion.objects.values_list("published_at").order_by("pk")),
    )


def test_a_list_is_enrolled_by_a_button(
    client_of: ClientOf, oscar: User, event, before, make_person
):
    people = create_list(name="Guests", actor=ALICE)
    add_to_list(people, [make_person("ada"), make_person("ben")], actor=ALICE)

    client_of(oscar).post(page("event", event, "enroll"), {"list": people.pk})

    assert Enrollment.objects.count() == 2


def test_settling_is_a_persons_word(client_of: ClientOf, oscar: User, registration):
    with clock.travel(to=ENDS + HOUR):
        client_of(oscar).post(page("event", registration.event, "settle"))

    registration.refresh_from_db()
    assert registration.attendance == "no_show"
    assert Event.objects.get().status == "completed"
