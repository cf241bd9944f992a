"""Sending events from the command line."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobs.models import Event

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("send_event", *arguments, stdout=out, stderr=err)
    return out.getvalue().strip(), err.getvalue().strip()


def test_it_prints_the_id_of_the_event():
    out, err = said("order.paid", "--data", '{"client": 7}', "--id", "o-1")

    event = Event.objects.get()
    assert (out, err) == (event.public_id, "")
    assert (event.data, event.dedup_key) == ({"client": 7}, "o-1")
    assert event.actor.startswith("command:")


def test_a_repeated_id_is_said():
    first, _ = said("order.paid", "--id", "o-1")

    assert said("order.paid", "--id", "o-1") == (
        first,
        "The id 'o-1' was sent before; nothing happens twice.",
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("order.paid", "--data", "{oops"), "--data '{oops' is not JSON"),
        (("order.paid", "--data", "[1]"), "is not a JSON object"),
        (("order?",), "'order\\?' is no name of an event"),
    ],
)
def test_what_may_not_be_is_refused(arguments, words):
    with pytest.raises(CommandError, match=words):
        said(*arguments)

    assert Event.objects.count() == 0
