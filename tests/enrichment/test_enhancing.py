"""Asking about a client, end to end: paid once, written with its source, never over a person's edit."""

from __future__ import annotations

import pytest

from enrichment.actions.enhancing import enhance_client
from enrichment.actions.fields import edit_fields
from enrichment.models import AiCall, FieldValue
from jobs.testing import history, run_until_idle
from tests.enrichment.conftest import ALICE

pytestmark = pytest.mark.django_db


def enhanced(client, **how):
    run = enhance_client(client, actor=ALICE, **how)
    run_until_idle(advance=True)
    run.refresh_from_db()
    return run


def test_a_client_is_described_in_four_steps(model, acme):
    run = enhanced(acme)

    assert run.status == "completed", run.error
    assert history(run) == [
        ("call openai", "completed"),
        ("process", "completed"),
        ("update client", "completed"),
        ("upsert competitors", "completed"),
    ]
    call = AiCall.objects.get()
    assert run.output == {
        "call": call.public_id,
        "fields": {"written": 3, "proposed": 0, "same": 0, "locked": 0},
        "competitors": {"written": 1, "proposed": 0, "same": 0},
    }
    assert len(model.paid) == 1
    values = {v.field: (v.value, v.source, v.call, v.confidence) for v in acme.values.all()}
    assert values == {
        "industry_primary": ("Acme industry", "ai", call, 0.9),
        "business_model": ("B2B", "ai", call, 0.8),
        "target_audience": (["buyers", "owners"], "ai", call, 0.7),
    }
    [rival] = acme.competitors.all()
    assert (rival.name, rival.domain, rival.source) == ("Rival of Acme", "rival.co.za", "ai")
    acme.refresh_from_db()
    assert (acme.enhancement_count, acme.run) == (1, run)


def test_the_ledger_knows_what_it_cost(model, acme, price):
    enhanced(acme)

    call, [paid] = AiCall.objects.get(), model.paid
    assert (call.status, call.verdict, call.purpose) == ("received", "valid", "clients.enhance")
    assert (call.input_tokens, call.output_tokens) == (paid.input_tokens, paid.output_tokens)
    assert call.cost_micros == paid.input_tokens + 4 * paid.output_tokens
    assert (call.reserved_micros, call.price, call.attempts) == (0, price, 1)
    assert (call.provider_id, call.request_id) == (paid.id, "req_1")
    assert call.response["choices"][0]["message"]["role"] == "assistant"
    assert paid.key == call.key == f"{call.run.public_id}:call openai#1"


def test_what_a_person_has_set_is_never_overwritten(model, acme):
    edit_fields(acme, {"industry_primary": "Mining"}, actor=ALICE)

    run = enhanced(acme)

    assert run.output["fields"] == {"written": 2, "proposed": 0, "same": 0, "locked": 1}
    kept = FieldValue.objects.get(field="industry_primary")
    assert (kept.value, kept.source, kept.is_locked) == ("Mining", "human", True)
