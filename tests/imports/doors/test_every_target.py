"""The wizard and the API fill every target there is; what must be said is asked for before anything starts."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from core import clock
from enrichment.models import Client
from funnels.actions import cancel_event, create_event, enroll
from funnels.models import Event, Registration
from imports import targets
from imports.models import CsvBatch
from jobs.testing import run_until_idle
from messaging.actions.people import create_contact
from messaging.models import Contact, Suppression

ALICE = "staff:alice"
DAY = timedelta(days=1)
#: For each target: a file, what must be said, and what came of the two rows.
FILES: dict[str, tuple[str, dict[str, str]]] = {
    "attendance": ("email,attended\na@example.com,yes\nnobody@example.com,no\n", {"event": ""}),
    "clients": ("name,website\nAcme,acme.co.za\nNobody,nowhere\n", {}),
    "clients_asked": ("name,website\nAcme,acme.co.za\nNobody,nowhere\n", {"at_most": "5"}),
    "contacts": ("email,first name\nb@example.com,Ben\nnobody,Bob\n", {}),
    "event_registrations": ("email,first name\nb@example.com,Ben\nnobody,Bob\n", {"event": ""}),
    "suppressions": ("email\nb@example.com\nnobody\n", {}),
}


@pytest.fixture
def event(db: None) -> Event:
    """An event to come, in which Anna is registered."""
    starts = clock.now() + timedelta(days=7)
    event = create_event(
        title="Open day",
        starts_at=starts,
        ends_at=starts + timedelta(hours=1),
        time_zone="Africa/Johannesburg",
        join_url="https://example.com/join",
        actor=ALICE,
    )
    anna = create_contact(email="a@example.com", first_name="Anna", actor=ALICE)
    enroll(event, [anna.pk], actor=ALICE)
    return event


def options_for(target: str, event: Event) -> dict[str, str]:
    _, options = FILES[target]
    return {name: value or event.public_id for name, value in options.items()}


def what_came_of_it(target: str) -> Any:
    return {
        "attendance": lambda: Registration.objects.get(attendance="attended").contact.email,
        "clients": lambda: Client.objects.get().domain,
        "clients_asked": lambda: Client.objects.get().domain,
        "contacts": lambda: Contact.objects.get(first_name="Ben").email,
        "event_registrations": lambda: Registration.objects.latest("pk").contact.email,
        "suppressions": lambda: Suppression.objects.count(),
    }[target]()


EXPECTED = {
    "attendance": "a@example.com",
    "clients": "acme.co.za",
    "clients_asked": "acme.co.za",
    "contacts": "b@example.com",
    "event_registrations": "b@example.com",
    "suppressions": 1,
}


def test_no_target_is_left_out_here(db: None) -> None:
    assert {target.name for target in targets.all_targets()} == FILES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("target", FILES)
def test_staff_fill_it_in_the_wizard(alice, client_of, hand_in, place, event, target) -> None:
    client = client_of(alice)
    hand_in(client, FILES[target][0], target=target)
    run_until_idle()
    batch = CsvBatch.objects.get()

    page = client.get(place(batch, "columns"))
    form = {**page.context["columns"].initial, **page.context["settings"].initial}
    if FILES[target][1]:
        refused = client.post(place(batch, "columns"), form)
        assert refused.status_code == 422
    form |= {f"option-{name}": value for name, value in options_for(target, event).items()}
    assert client.post(place(batch, "columns"), form)["Location"] == place(batch, "change")
    run_until_idle()
    client.post(place(batch, "start"))
    run_until_idle(advance=True)

    batch.refresh_from_db()
    assert (batch.status, batch.succeeded, batch.failed) == ("completed", 1, 1)
    assert what_came_of_it(target) == EXPECTED[target]


@pytest.mark.parametrize(
    ("target", "offered"),
    [
        ("event_registrations", ["Choose one", "Open day", "Class"]),
        ("attendance", ["Choose one", "Reunion", "Open day", "Class"]),
    ],
)
def test_staff_choose_the_event(alice, client_of, hand_in, place, event, target, offered) -> None:
    """By its title and its start where it is: those to come, and for attendance first those that have begun."""
    at = clock.now()
    plan = partial(create_event, time_zone="UTC", actor=ALICE)
    plan(title="Class", starts_at=at + 8 * DAY, ends_at=at + 9 * DAY)
    cancel_event(plan(title="Off", starts_at=at + DAY, ends_at=at + 2 * DAY), actor=ALICE)
    past = plan(title="Reunion", starts_at=at + DAY, ends_at=at + 2 * DAY)
    Event.objects.filter(pk=past.pk).update(starts_at=at - 2 * DAY, ends_at=at - DAY)
    client = client_of(alice)
    hand_in(client, FILES[target][0], target=target)
    run_until_idle()

    page = client.get(place(CsvBatch.objects.get(), "columns"))

    choices = dict(page.context["settings"].fields["option-event"].choices)
    assert [label.split(",")[0] for label in choices.values()] == offered
    start = event.starts_at.astimezone(event.zone)
    assert choices[event.public_id] == f"Open day, {start:%a %d %b %Y, %H:%M} SAST"


@pytest.mark.parametrize("target", FILES)
def test_a_program_says_what_must_be_said_later(robot, send, event, target) -> None:
    sent = send(robot, FILES[target][0], target=target)
    assert sent.status_code == 202
    place = f"/api/v1/imports/{sent.json()['id']}"
    run_until_idle()
    columns = [{"field": each["field"]} for each in robot.get(f"{place}/preview").json()["columns"]]

    robot.put(f"{place}/mapping", {"columns": columns})
    options = options_for(target, event)
    if options:
        refused = robot.post(f"{place}/confirm").json()
        assert refused["errors"][0]["pointer"] == f"#/{next(iter(options))}"
        robot.put(f"{place}/mapping", {"options": options})
    assert robot.post(f"{place}/confirm").status_code == 202
    run_until_idle(advance=True)

    assert robot.get(place).json()["counts"]["succeeded"] == 1
    assert what_came_of_it(target) == EXPECTED[target]


@pytest.mark.parametrize("target", ["attendance", "clients_asked", "event_registrations"])
def test_what_goes_by_itself_says_it_at_once(robot, send, target) -> None:
    answer = send(robot, FILES[target][0], target=target, go="import")

    assert answer.status_code == 422
    assert CsvBatch.objects.count() == 0
    empty = send(robot, FILES[target][0], target=target, options=json.dumps({}))
    assert empty.status_code == 422
