"""`client/enhance.requested` starts the question that a button does, once for each event."""

from __future__ import annotations

import pytest

from jobs.actions import start_run
from jobs.events.sending import send_event
from jobs.models import Run
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db
NAME = "client/enhance.requested"


def runs() -> list[Run]:
    return list(Run.objects.filter(workflow="enrichment.enhance_client"))


@pytest.mark.parametrize("member", ["client", "clientId"])
def test_an_event_asks_about_the_client_it_names(member, model, acme):
    send_event(NAME, {member: acme.public_id, "clientName": "other", "clientDomain": "x.com"})

    run_until_idle(advance=True)

    [run] = runs()
    assert (run.status, run.input["client"]) == ("completed", acme.public_id)
    assert run.event.name == NAME
    acme.refresh_from_db()
    assert (acme.run, acme.name, len(model.paid)) == (run, "Acme", 1)


def test_the_same_event_twice_asks_once(model, acme):
    for _ in range(2):
        send_event(NAME, {"client": acme.public_id}, id="order-7")

    run_until_idle(advance=True)

    assert (len(runs()), len(model.paid)) == (1, 1)


@pytest.mark.parametrize("data", [{}, {"client": 7}, {"client": None}, {"clientId": ["x"]}])
def test_an_event_that_names_no_client_starts_nothing(data, model):
    event = send_event(NAME, data)

    run_until_idle(advance=True)

    assert (runs(), model.account.calls) == ([], 0)
    [effect] = event.effects.all()
    assert "names no client" in effect.detail


@pytest.mark.parametrize("mode", [None, ""])
def test_an_event_without_a_mode_leaves_the_clients_own(mode, model, client_named):
    client = client_named("Acme", mode="review")
    send_event(NAME, {"client": client.public_id, "mode": mode})

    run_until_idle(advance=True)

    [run] = runs()
    assert (run.status, run.output["fields"]["proposed"]) == ("completed", 3)
    assert (client.values.count(), client.proposals.count()) == (0, 4)


@pytest.mark.parametrize("mode", ["Review", "write", 7, ["review"]])
def test_a_mode_that_is_none_starts_nothing(mode, model, acme):
    event = send_event(NAME, {"client": acme.public_id, "mode": mode})

    run_until_idle(advance=True)

    assert (runs(), model.account.calls) == ([], 0)
    [effect] = event.effects.all()
    assert "is no mode" in effect.detail


def test_a_run_with_a_mode_that_is_none_fails_before_anything_is_asked(model, acme):
    run = start_run("enrichment.enhance_client", input={"client": acme.public_id, "mode": "Review"})

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, model.account.calls) == ("failed", 0)
    assert "'Review' is no mode." in run.error["message"]


def test_a_client_is_the_same_however_its_id_is_written(model, acme):
    """Its limit of one at a time is counted by the id."""
    send_event(NAME, {"client": acme.public_id.replace("_", "_0")})

    run_until_idle(advance=True)

    [run] = runs()
    assert (run.status, run.input["client"]) == ("completed", acme.public_id)


def test_an_event_about_a_client_that_is_none_fails_its_run_and_says_so(model):
    send_event(NAME, {"client": "cli_0"})

    run_until_idle(advance=True)

    [run] = runs()
    assert (run.status, run.error["message"]) == ("failed", "There is no 'cli_0'.")
    assert model.account.calls == 0
