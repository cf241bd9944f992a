"""Asking from the command line."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from jobs.models import Run
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db


def test_a_client_is_asked_about(acme, model):
    out = StringIO()

    call_command("enhance_client", acme.public_id, stdout=out)

    run = Run.objects.get(workflow="enrichment.enhance_client")
    assert out.getvalue() == f"Asking about “Acme” as {run.public_id}.\n"
    assert (run.status, run.input["client"]) == ("ready", acme.public_id)
    assert run.actor.startswith("command:")


def test_who_answers_without_a_key_is_said(acme):
    out = StringIO()

    call_command("enhance_client", acme.public_id, stdout=out)

    assert "The built-in sandbox model answers: what it says is made up." in out.getvalue()


def test_it_waits_for_the_end_and_shows_what_came_of_it(acme, model, monkeypatch):
    out = StringIO()
    monkeypatch.setattr("jobs.watching.sleep", lambda _: run_until_idle(advance=True))

    call_command("enhance_client", acme.public_id, "--wait", stdout=out)

    assert '"written": 3' in out.getvalue()


def test_a_failed_run_ends_with_2(acme, model, monkeypatch):
    model.misbehave(script=[["refusal"]])
    monkeypatch.setattr("jobs.watching.sleep", lambda _: run_until_idle(advance=True))

    with pytest.raises(CommandError) as failure:
        call_command("enhance_client", acme.public_id, "--wait", stdout=StringIO())

    assert failure.value.returncode == 2
    assert "Declined by the model" in str(failure.value)


@pytest.mark.parametrize("wrong", ["cli_0", "nobody"])
def test_an_unknown_client_is_refused(db, wrong):
    with pytest.raises(CommandError) as refusal:
        call_command("enhance_client", wrong)

    assert (refusal.value.returncode, Run.objects.count()) == (1, 0)
