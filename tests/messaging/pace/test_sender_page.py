"""A sender's page: its limits are checked, written through an action, and a pause of the same moment is kept."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from core.models import AuditEntry
from messaging.models import Sender

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client_of, oscar):
    return client_of(oscar)


def filled(browser, sender: Sender, **answers: str):
    place = reverse("admin:messaging_sender_change", args=[sender.pk])
    form = browser.get(place).context["adminform"].form
    given = {name: form[name].value() for name in form.fields}
    given = {name: "" if value is None else value for name, value in given.items()}
    return browser.post(place, {**given, **answers})


def test_its_limits_are_saved_in_one_spelling(browser, sandbox):
    answer = filled(
        browser,
        sandbox,
        daily_cap="2000",
        warm_up="150 250,400",
        warm_up_from="2027-03-01",
        time_zone="africa/johannesburg",
        quiet_from="21:00",
        quiet_until="08:00",
    )

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    sandbox.refresh_from_db()
    assert (sandbox.daily_cap, sandbox.warm_up, sandbox.warm_up_from) == (
        2000,
        "150, 250, 400",
        date(2027, 3, 1),
    )
    assert sandbox.time_zone == "Africa/Johannesburg"
    entry = AuditEntry.objects.get(verb="sender.changed")
    assert "daily_cap" in entry.detail["fields"]


def test_a_warm_up_without_a_first_day_begins_today(browser, sandbox):
    assert filled(browser, sandbox, warm_up="150, 250").status_code == 302

    sandbox.refresh_from_db()
    assert sandbox.warm_up_from is not None


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        ({"warm_up": "many"}, "warm_up"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"quiet_from": "21:00"}, "quiet_until"),
        ({"quiet_from": "21:00", "quiet_until": "21:00"}, "quiet_until"),
        ({"daily_cap": "0"}, "daily_cap"),
    ],
)
def test_what_makes_no_sense_is_told_beside_its_field(browser, sandbox, answers, field):
    answer = filled(browser, sandbox, **answers)

    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    sandbox.refresh_from_db()
    assert (sandbox.daily_cap, sandbox.warm_up, sandbox.quiet_from) == (None, "", None)


def test_who_may_only_look_changes_nothing(client_of, bob, sandbox):
    place = reverse("admin:messaging_sender_change", args=[sandbox.pk])

    assert client_of(bob).post(place, {"daily_cap": "1"}).status_code == 403
