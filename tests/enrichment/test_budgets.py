"""Money: set aside before, settled after, and never more than a cap allows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from core import clock
from core.errors import Conflict, NotFound, Refused, RetryAfter
from enrichment import budgets
from enrichment.actions.clients import delete_client
from enrichment.actions.enhancing import (
    PROMPT,
    PURPOSE,
    enhance_client,
    enhance_many,
    estimate,
)
from enrichment.actions.money import cap_together, remove_budget, set_budget, set_price
from enrichment.applying import what_is_known
from enrichment.budgets import BudgetExhausted, Payer
from enrichment.composing import A_KEY, compose
from enrichment.models import AiCall, Budget, BudgetUse, FieldValue, ModelPrice
from enrichment.prices import price_of
from enrichment.pricing import Usage, cost_of, in_dollars, most_for
from enrichment.prompts import version_of
from jobs.actions import cancel_run, start_run
from jobs.models import Run
from jobs.testing import crash_after, run_one, run_until_idle
from tests.enrichment.conftest import ALICE, MODEL

pytestmark = pytest.mark.django_db
NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
PRICE = ModelPrice(input_price=Decimal(1), cached_price=Decimal("0.25"), output_price=Decimal(4))


def budget(scope: str, cents: int, subject: str = "") -> Budget:
    return set_budget(scope, cap_micros=cents * 10_000, subject=subject, actor=ALICE)


def standing() -> dict[str, tuple[int, int]]:
    return {use.period: (use.spent_micros, use.reserved_micros) for use in BudgetUse.objects.all()}


def test_money_is_set_aside_in_every_budget_and_settled_there():
    with clock.travel(to=NOON):
        for scope in ("run", "client", "day", "month"):
            budget(scope, 100)

        uses = budgets.reserve(Payer(run="run_1", client="cli_1"), amount=70)
        assert standing() == dict.fromkeys(("run_1", "cli_1", "2027-03-01", "2027-03"), (0, 70))
        budgets.settle(uses, reserved=70, cost=20)

    assert standing() == dict.fromkeys(("run_1", "cli_1", "2027-03-01", "2027-03"), (20, 0))


@pytest.mark.parametrize("scope", ["run", "client", "day", "month"])
def test_one_budget_that_is_used_up_stops_the_call_and_holds_nothing(scope):
    for each in ("run", "client", "day", "month"):
        budget(each, 1 if each == scope else 100)
    payer = Payer(run="run_1", client="cli_1")
    budgets.settle(budgets.reserve(payer, amount=9_000), reserved=9_000, cost=9_000)

    with pytest.raises(BudgetExhausted) as refusal:
        budgets.reserve(payer, amount=1_001)

    assert "of $0.01 has $0.0010 left" in str(refusal.value)
    assert {reserved for _, reserved in standing().values()} == {0}
    budgets.reserve(payer, amount=1_000)  # to the last millionth


def test_a_call_waits_where_only_what_others_set_aside_stands_in_its_way():
    budget("day", 1)
    budgets.reserve(Payer(), amount=6_000)

    with pytest.raises(RetryAfter):
        budgets.reserve(Payer(), amount=6_000)


def test_a_day_and_a_month_begin_anew():
    budget("day", 1)
    with clock.travel(to=NOON):
        budgets.settle(budgets.reserve(Payer(), amount=10_000), reserved=10_000, cost=10_000)
        with pytest.raises(BudgetExhausted):
            budgets.reserve(Payer(), amount=1)
    with clock.travel(to=NOON + timedelta(days=1)):
        budgets.reserve(Payer(), amount=10_000)


def test_the_budget_of_one_client_stands_in_place_of_the_general_one():
    budget("client", 1)
    general, own = Payer(client="cli_x"), Payer(client="cli_y")
    Budget.objects.create(scope="client", subject="cli_y", cap_micros=50_000, created_by=ALICE)

    budgets.reserve(own, amount=50_000)
    with pytest.raises(BudgetExhausted):
        budgets.reserve(general, amount=50_000)


def test_a_call_that_no_budget_holds_fails_the_run_and_nothing_is_spent(model, acme):
    budget("day", 0)

    run = enhance_client(acme, actor=ALICE)
    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, run.error["type"]) == ("failed", "BudgetExhausted")
    assert "The budget “Each day” of $0.00" in run.error["message"]
    assert (model.account.calls, AiCall.objects.count()) == (0, 0)


def most_of_one_call(client) -> int:
    version = version_of(PROMPT)
    about = what_is_known(client)
    request = compose(version, about, key=A_KEY, purpose=PURPOSE, name=PROMPT)
    return most_for(request, price_of(MODEL))


@pytest.mark.parametrize("scope", ["client", "day", "month"])
def test_a_budget_that_is_set_later_begins_with_what_was_spent_before(
    scope, model, acme, client_named
):
    enhance_client(acme, actor=ALICE)
    run_until_idle(advance=True)
    spent = AiCall.objects.get().cost_micros
    most = most_of_one_call(acme)

    late = set_budget(scope, cap_micros=spent + most // 2, actor=ALICE)
    period = {"client": acme.public_id, "day": f"{clock.now():%Y-%m-%d}"}.get(
        scope, f"{clock.now():%Y-%m}"
    )
    assert budgets.standing_of(late, period)["spent"] == spent
    run = enhance_client(acme, actor=ALICE)
    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, run.error["type"], len(model.paid)) == ("failed", "BudgetExhausted", 1)

    set_budget(scope, cap_micros=spent + most * 2, actor=ALICE)
    enhance_client(acme, actor=ALICE)
    run_until_idle(advance=True)
    assert len(model.paid) == 2
    total = sum(AiCall.objects.values_list("cost_micros", flat=True))
    assert standing() == {period: (total, 0)}


def test_a_budget_that_is_taken_away_and_set_again_has_forgotten_nothing(model, acme):
    day = budget("day", 100)
    enhance_client(acme, actor=ALICE)
    run_until_idle(advance=True)
    spent = AiCall.objects.get().cost_micros

    remove_budget(day, actor=ALICE)
    again = budget("day", 100)

    today = f"{clock.now():%Y-%m-%d}"
    assert budgets.standing_of(again, today)["spent"] == spent


def test_a_budget_for_a_run_under_way_counts_what_its_children_cost(model, client_named):
    many = [client_named(f"Client {n}") for n in range(2)]
    run = enhance_many(many, actor=ALICE)
    run_until_idle(advance=True)
    spent = sum(AiCall.objects.values_list("cost_micros", flat=True))

    late = set_budget("run", subject=run.public_id, cap_micros=spent, actor=ALICE)

    assert budgets.standing_of(late, run.public_id)["spent"] == spent > 0
    general = budget("run", 100)
    assert budgets.standing_of(general, "imp_1")["spent"] == 0


def test_the_most_of_an_estimate_covers_the_longer_answer_and_the_repair(model, acme):
    most = estimate([acme]).at_most
    model.account.output_tokens = 2_000
    model.misbehave(script=[["truncated"], ["text", "no JSON"], ["text", "none either"]])

    enhance_client(acme, actor=ALICE)
    run_until_idle(advance=True)

    spent = sum(AiCall.objects.values_list("cost_micros", flat=True))
    assert (len(model.paid), spent <= most) == (3, True)
    assert most_of_one_call(acme) < spent


def test_an_estimate_asks_the_database_no_more_for_more_clients(
    model, client_named, django_assert_max_num_queries
):
    many = [client_named(f"Client {n}") for n in range(12)]
    version_of(PROMPT)

    with django_assert_max_num_queries(6):
        told = estimate([*many, many[0]])

    assert (told.clients, told.at_most) == (12, sum(estimate([each]).at_most for each in many))


def test_each_client_is_asked_about_once_however_often_it_is_named(model, acme, client_named):
    other = client_named("Other")

    run = enhance_many([acme, acme, other], actor=ALICE)
    with pytest.raises(Conflict) as refusal:
        enhance_many([other, acme], actor=ALICE)
    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.output, refusal.value.code) == ({"asked": 2, "failed": 0}, "under_way")
    assert len(model.paid) == 2


def test_who_asks_about_many_caps_them_below_the_budget_of_a_run_and_never_above(acme):
    budget("run", 5)

    above = enhance_many([acme], cap_micros=10_000_000, actor=ALICE)
    below = cap_together("imp_1", cap_micros=20_000, actor=ALICE)

    assert Budget.objects.get(subject=above.public_id).cap_micros == 50_000
    assert below.cap_micros == 20_000


def test_the_cap_of_a_run_holds_for_its_children_together(model, client_named):
    many = [client_named(f"Client {n}") for n in range(5)]
    most = most_of_one_call(many[0])
    run = start_run(
        "enrichment.enhance_clients", input={"clients": [each.public_id for each in many]}
    )
    set_budget("run", subject=run.public_id, cap_micros=most + 1_000, actor=ALICE)

    run_until_idle(advance=True)

    run.refresh_from_db()
    spent = sum(AiCall.objects.values_list("cost_micros", flat=True))
    assert spent <= most + 1_000
    assert run.output == {"asked": len(model.paid), "failed": 5 - len(model.paid)}
    assert 1 <= len(model.paid) < 5


@pytest.mark.parametrize("cap", [-1, 10**16])
def test_a_budget_is_an_amount_from_zero_up(cap):
    with pytest.raises(Refused) as refusal:
        set_budget("day", cap_micros=cap, actor=ALICE)

    assert refusal.value.field == "cap"
    assert Budget.objects.count() == 0


def test_the_database_too_refuses_a_negative_budget():
    with pytest.raises(IntegrityError), transaction.atomic():
        Budget.objects.create(scope="day", cap_micros=-1, created_by=ALICE)


@pytest.mark.parametrize(
    ("scope", "subject", "error"),
    [("year", "", Refused), ("day", "cli_1", Refused), ("client", "cli_1", NotFound)],
)
def test_a_budget_is_for_something_that_there_is(scope, subject, error):
    with pytest.raises(error):
        set_budget(scope, cap_micros=1, subject=subject, actor=ALICE)
    assert Budget.objects.count() == 0


# --- prices ------------------------------------------------------------------------------------------------------


def test_the_price_of_the_day_holds(price):
    later = set_price(
        MODEL,
        valid_from=date(2027, 1, 1),
        input_price=Decimal(2),
        cached_price=Decimal(1),
        output_price=Decimal(8),
        actor=ALICE,
    )

    assert price_of(MODEL, on=date(2026, 12, 31)) == price
    assert price_of(MODEL, on=date(2027, 1, 1)) == later


def test_a_model_without_a_price_is_not_asked(openai_server, acme):
    with pytest.raises(Refused) as refusal:
        enhance_client(acme, actor=ALICE)
    run = start_run("enrichment.enhance_client", input={"client": acme.public_id})
    run_until_idle(advance=True)

    run.refresh_from_db()
    assert refusal.value.code == "no_price"
    assert (run.status, AiCall.objects.count()) == ("failed", 0)
    assert openai_server.account.calls == 0


def test_what_a_call_costs():
    usage = Usage(input=1_000, cached=400, output=100, reasoning=50)

    assert cost_of(usage, PRICE) == 600 + 100 + 400
    assert (
        cost_of(
            Usage(input=1),
            ModelPrice(
                **dict.fromkeys(("input_price", "cached_price", "output_price"), Decimal("0.15"))
            ),
        )
        == 1
    )  # rounded up
    assert cost_of(usage, None) == 0


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": 0, "completion_tokens": 0}])
def test_an_answer_that_does_not_say_what_it_used_counts_with_all_that_was_set_aside(
    usage, model, acme
):
    day, most = budget("day", 100), most_of_one_call(acme)
    make = model.account._make
    model.account._make = lambda request, fate: make(request, fate) | {"usage": usage}

    enhance_client(acme, actor=ALICE)
    run_until_idle(advance=True)

    call = AiCall.objects.get()
    assert (call.status, call.reserved_micros) == ("received", 0)
    assert abs(call.cost_micros - most) < 100  # its key is a little shorter or longer
    assert day.uses.get().spent_micros == call.cost_micros


@given(text=st.text(max_size=300), answer=st.integers(0, 500))
def test_nothing_costs_more_than_was_set_aside(text, answer):
    """No token is shorter than a byte, and the answer no longer than it may be."""
    request = {"messages": [{"content": text}], "max_completion_tokens": 500}
    usage = Usage(input=len(text.encode()), output=answer)

    assert cost_of(usage, PRICE) <= most_for(request, PRICE)


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (None, Usage()),
        ("much", Usage()),
        ({"prompt_tokens": "7", "completion_tokens": -1}, Usage()),
        ({"prompt_tokens": 7, "prompt_tokens_details": {"cached_tokens": 9}}, Usage(7, 7)),
        (
            {"prompt_tokens": 7, "completion_tokens": 5, "completion_tokens_details": None},
            Usage(7, 0, 5),
        ),
    ],
)
def test_usage_that_is_odd_is_read_as_far_as_it_makes_sense(told, usage):
    assert Usage.of({"usage": told}) == usage


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "$0.00"),
        (1, "$0.0001"),
        (4_200, "$0.0042"),
        (10_000, "$0.01"),
        (1_234_567_890, "$1,234.57"),
    ],
)
def test_amounts_are_written_as_people_read_them(micros, text):
    assert in_dollars(micros) == text


# --- who is gone -------------------------------------------------------------------------------------------------


def test_a_client_that_was_deleted_before_the_call_costs_nothing(model, acme):
    run = enhance_client(acme, actor=ALICE)
    delete_client(acme, actor=ALICE)

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.status, run.error["type"]) == ("failed", "NotFound")
    assert (model.account.calls, AiCall.objects.count()) == (0, 0)


@pytest.mark.parametrize("step", ["call openai", "process", "update client"])
def test_a_client_that_is_deleted_in_mid_run_is_not_written_and_its_call_stays(step, model, acme):
    run = enhance_client(acme, actor=ALICE)
    crash_after(run, step)
    delete_client(acme, actor=ALICE)

    run_until_idle(advance=True)

    run.refresh_from_db()
    call = AiCall.objects.get()
    assert (run.status, model.account.calls) == ("failed", 1)
    assert "There is no" in run.error["message"]
    assert (call.status, call.client, call.cost_micros > 0) == ("received", None, True)
    assert FieldValue.objects.count() == 0


def test_a_cancelled_run_gives_its_money_back_at_the_next_sweep(model, acme, monkeypatch):
    budget("day", 100)
    run = enhance_client(acme, actor=ALICE)

    def stop_here(call):
        raise RetryAfter("later", seconds=60)

    monkeypatch.setattr("enrichment.asking._heed_the_limits", stop_here)
    run_one()
    assert AiCall.objects.get().status == "reserved"
    cancel_run(Run.objects.get(pk=run.pk), actor=ALICE)

    start_run("enrichment.settle_abandoned")
    run_until_idle()

    [(spent, reserved)] = standing().values()
    assert (AiCall.objects.get().status, spent, reserved) == ("failed", 0, 0)
    assert model.account.calls == 0
