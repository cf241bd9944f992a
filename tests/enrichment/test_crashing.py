"""A worker may die before any statement and while the model works: nothing is paid twice, nothing is lost."""

from __future__ import annotations

import pytest

from enrichment.actions.enhancing import enhance_client
from enrichment.models import AiCall, FieldChange
from enrichment.providers.openai import OpenAi
from jobs.testing import run_one, run_until_idle
from tests.enrichment.conftest import ALICE
from tests.messaging.outbox.making import bury_the_worker
from tests.messaging.outbox.test_crashing import Crash, crash_at

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("first", range(3))
def test_a_crash_before_any_statement_pays_nothing_twice(first, model, client_named):
    """Where the worker died between the mark and the call, nobody can know: that one waits for a person."""
    statement, in_doubt = first * 2, 0
    while True:
        client = client_named(f"Client {statement}")
        run = enhance_client(client, actor=ALICE)
        has_died = crash_at(statement)
        run_until_idle(advance=True)
        run.refresh_from_db()
        paid = [entry for entry in model.paid if entry.data["name"] == client.name]
        [call] = client.calls.all()
        if run.status == "waiting":
            assert (call.status, paid) == ("parked", []), f"after a crash at {statement}"
            in_doubt += 1
        else:
            assert (run.status, call.status, len(paid)) == ("completed", "received", 1)
            assert FieldChange.objects.filter(client=client).count() == 3
            assert client.competitors.count() == 1
        if not has_died:
            break
        statement += 6
    assert statement > 60
    assert in_doubt <= 2


@pytest.mark.parametrize(("is_paid", "status"), [(True, "completed"), (False, "waiting")])
def test_a_crash_during_the_call_is_looked_up_and_never_repeated(
    is_paid, status, model, acme, monkeypatch
):
    run = enhance_client(acme, actor=ALICE)
    complete = OpenAi.complete

    def dying(self, request):
        if is_paid:
            complete(self, request)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(OpenAi, "complete", dying)
        with pytest.raises(Crash):
            run_one()
    bury_the_worker()
    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, model.account.calls, len(model.paid)) == (status, is_paid, is_paid)


def test_a_worker_that_lost_its_lease_during_the_call_still_keeps_what_was_paid(
    model, acme, monkeypatch
):
    run = enhance_client(acme, actor=ALICE)
    complete = OpenAi.complete

    def slow(self, request):
        answer = complete(self, request)
        bury_the_worker()  # found dead while it waited, and now it wakes
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(OpenAi, "complete", slow)
        assert run_one() == "lost"
    assert AiCall.objects.get().status == "received"
    assert acme.values.count() == 0

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, model.account.calls) == ("completed", 1)
    assert acme.values.count() == 3


def test_a_worker_that_lost_its_lease_before_the_call_makes_none(model, acme, monkeypatch):
    run = enhance_client(acme, actor=ALICE)

    def too_late(call):
        bury_the_worker()

    with monkeypatch.context() as patch:
        patch.setattr("enrichment.asking._heed_the_limits", too_late)
        assert run_one() == "lost"
    assert (model.account.calls, AiCall.objects.get().status) == (0, "reserved")

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, model.account.calls) == ("completed", 1)
