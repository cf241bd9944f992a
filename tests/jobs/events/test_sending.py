"""Sending an event: in the caller's transaction, once for each id, refused where it does not fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from pydantic import BaseModel

from core import clock
from core.errors import Refused
from jobs.events.schemas import declare_event
from jobs.events.sending import MOST_AT_ONCE, NewEvent, send_event, send_events
from jobs.models import Event

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


class Line(BaseModel):
    sku: str
    count: int


class Placed(BaseModel):
    client: int
    lines: list[Line] = []


declare_event("test.placed", schema=Placed)


def test_an_event_keeps_what_was_said():
    with clock.travel(to=NOON):
        event = send_event(
            "order.paid", {"client": 7}, at=NOON - timedelta(hours=1), actor="staff:alice"
        )

    event.refresh_from_db()
    assert (event.name, event.data, event.actor) == ("order.paid", {"client": 7}, "staff:alice")
    assert (event.occurred_at, event.received_at) == (NOON - timedelta(hours=1), NOON)
    assert (event.dispatched_at, event.is_duplicate) == (None, False)
    assert event.public_id.startswith("evt_")


def test_an_event_of_a_transaction_that_fails_never_happened():
    with transaction.atomic():
        send_event("order.paid")
        transaction.set_rollback(True)

    assert Event.objects.count() == 0


def test_the_same_id_counts_once():
    first = send_event("order.paid", {"n": 1}, id="o-1")

    second = send_event("order.paid", {"n": 2}, id="o-1")

    assert (second.pk, second.data, second.is_duplicate) == (first.pk, {"n": 1}, True)
    assert Event.objects.count() == 1


def test_the_same_id_of_another_name_is_another_event():
    assert send_event("order.paid", id="o-1").pk != send_event("order.shipped", id="o-1").pk


def test_events_without_an_id_are_never_duplicates():
    assert send_event("order.paid").pk != send_event("order.paid").pk


@pytest.mark.parametrize(("hours", "count"), [(23.99, 1), (24, 2), (100, 2)])
def test_an_id_is_remembered_for_24_hours(hours, count):
    with clock.travel(to=NOON):
        send_event("order.paid", id="o-1")

    with clock.travel(to=NOON + timedelta(hours=hours)):
        again = send_event("order.paid", id="o-1")
        third = send_event("order.paid", id="o-1")

    assert Event.objects.count() == count
    assert third.pk == again.pk
    assert Event.objects.exclude(dedup_key="").count() == 1


def test_a_list_is_sent_whole_and_in_order():
    send_event("b", {"n": 0}, id="two")

    sent = send_events(
        [NewEvent("a", id="one"), NewEvent("b", id="two"), NewEvent("a", id="one"), NewEvent("c")]
    )

    assert [event.name for event in sent] == ["a", "b", "a", "c"]
    assert [event.is_duplicate for event in sent] == [False, True, True, False]
    assert sent[2].pk == sent[0].pk
    assert Event.objects.count() == 3


def test_one_bad_event_of_a_list_keeps_all_from_being_sent():
    with pytest.raises(Refused, match="Event 2: '' is no name") as refusal:
        send_events([NewEvent("a"), NewEvent("")])

    assert refusal.value.field == "1.name"
    assert Event.objects.count() == 0


def test_a_list_has_an_end():
    with pytest.raises(Refused, match="5,001 events are too many at once"):
        send_events([NewEvent("a")] * (MOST_AT_ONCE + 1))


@pytest.mark.parametrize("name", ["", " paid", "paid ", "a?b", "a\nb", "x" * 201, "naïve\x00"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(Refused, match="is no name of an event") as refusal:
        send_event(name)

    assert refusal.value.field == "name"


@pytest.mark.parametrize(
    "name", ["order.paid", "app/user.created", "Webhook Received", "été", "x" * 200]
)
def test_names_that_others_use_are_names(name):
    assert send_event(name).name == name


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([1], "not a JSON object"),
        ({"x": object()}, "not JSON"),
        ({"x": float("nan")}, "not JSON"),
        ({"x": "a\x00b"}, "NUL character"),
        ({"x": ["\ud800"]}, "half a surrogate"),
        ({"x": "é" * (256 * 1024)}, r"524,297 bytes"),
    ],
    ids=["list", "object", "nan", "nul", "surrogate", "large"],
)
def test_data_that_cannot_be_kept_is_refused(data, words):
    with pytest.raises(Refused, match=words) as refusal:
        send_event("order.paid", data)

    assert refusal.value.field == "data"
    assert Event.objects.count() == 0


def test_what_json_has_no_word_for_is_kept_as_text():
    event = send_event("order.paid", {"at": NOON})

    assert event.data == {"at": "2026-06-01T12:00:00Z"}


def test_a_moment_needs_a_time_zone():
    with pytest.raises(Refused, match="no time zone") as refusal:
        send_event("order.paid", at=datetime(2026, 6, 1))  # noqa: DTZ001

    assert refusal.value.field == "at"


def test_an_id_has_an_end():
    with pytest.raises(Refused, match="The id has 201 characters"):
        send_event("order.paid", id="x" * 201)


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        ({}, "data.client", "client: field required"),
        ({"client": "me"}, "data.client", "client: input should be a valid integer"),
        (
            {"client": 1, "lines": [{"sku": "a", "count": 1}, {"sku": "b"}]},
            "data.lines.1.count",
            "lines.1.count: field required",
        ),
    ],
)
def test_data_that_misses_its_schema_is_refused_naming_the_field(data, field, words):
    with pytest.raises(Refused, match=words) as refusal:
        send_event("test.placed", data)

    assert refusal.value.field == field
    assert refusal.value.remedy == "It has client, lines."
    assert Event.objects.count() == 0


def test_data_that_fits_its_schema_is_kept_as_it_was_sent():
    assert send_event("test.placed", {"client": 7, "note": "x"}).data == {"client": 7, "note": "x"}


def test_two_schemas_for_one_name_are_a_mistake_of_the_code():
    with pytest.raises(ValueError, match="two schemas"):
        declare_event("test.placed", schema=Line)
