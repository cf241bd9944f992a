"""Whatever the provider or the line does: an answer is paid once, found again, or left to a person."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core import clock
from core.errors import Conflict
from enrichment import ledger
from enrichment.accounts import account_of, resume_account
from enrichment.actions import deciding
from enrichment.actions.enhancing import enhance_client
from enrichment.models import AiAccount, AiCall, FieldValue
from enrichment.providers.base import Completion
from jobs import limits
from jobs.actions import retry_run
from jobs.models import Event
from jobs.testing import run_one, run_until_idle
from tests.enrichment.conftest import ALICE
from tests.fakes.openai_account import Refusal
from tests.fakes.serving import Reply

pytestmark = pytest.mark.django_db


def money_held() -> int:
    return sum(AiCall.objects.values_list("reserved_micros", flat=True))


@pytest.mark.parametrize("fault", [["cut"], ["html"]])
def test_a_paid_answer_that_was_lost_on_the_way_is_found_by_its_key(fault, model, enhanced):
    model.misbehave(script=[fault])

    run = enhanced()

    call, [paid] = AiCall.objects.get(), model.paid
    assert (run.status, call.status, call.provider_id) == ("completed", "received", paid.id)
    assert (model.account.calls, model.account.listings) == (1, 1)
    assert call.cost_micros == paid.input_tokens + 4 * paid.output_tokens
    assert money_held() == 0


def test_an_answer_after_our_time_is_found_by_its_key(model, enhanced, settings):
    settings.OPENAI_TIMEOUT_SECONDS = 0.3
    model.misbehave(script=[["late", 0.8]])

    run = enhanced()

    assert (run.status, model.account.calls, len(model.paid)) == ("completed", 1, 1)
    assert AiCall.objects.get().status == "received"


def test_an_answer_that_is_listed_late_is_found_by_a_later_look(model, enhanced):
    model.misbehave(script=[["cut"]])
    find = model.account.list

    def lists_it_the_second_time(query, headers):
        asked = query if model.account.listings else "metadata[step_key]=nobody"
        return find(asked, headers)

    model.account.list = lists_it_the_second_time

    run = enhanced()

    assert (run.status, model.account.calls, len(model.paid)) == ("completed", 1, 1)
    assert AiCall.objects.get().looks == 1


@pytest.mark.parametrize(("fault", "paid"), [(["lost"], 1), (["drop"], 0)])
def test_a_call_that_stays_in_doubt_waits_for_a_person(
    fault, paid, model, enhanced, settings, mailoutbox
):
    settings.ALERT_EMAILS = ["ops@longhaul.test"]
    model.misbehave(script=[fault])

    run = enhanced()

    call = AiCall.objects.get()
    assert (run.status, call.status, call.looks) == ("waiting", "parked", 3)
    assert (model.account.calls, len(model.paid)) == (1, paid)
    assert call.reserved_micros > 0
    assert FieldValue.objects.count() == 0
    assert [mail.subject for mail in mailoutbox] == [
        f"[Longhaul] An AI call waits for you: {call.public_id}"
    ]


def parked(model, enhanced) -> tuple:
    model.misbehave(script=[["drop"]])
    run = enhanced()
    return run, AiCall.objects.get()


def go_on(run):
    run_until_idle(advance=True)
    run.refresh_from_db()
    return run.status


def test_a_call_that_nobody_could_look_up_in_time_is_looked_up_at_once_and_parked(model, acme):
    """Its worker died, and none came for longer than the doubt may last."""
    model.misbehave(script=[["drop"]])
    run = enhance_client(acme, actor=ALICE)
    run_one()
    model.misbehave(script=[])
    with clock.travel(by=timedelta(days=1)):
        run_until_idle()

    call = AiCall.objects.get()
    run.refresh_from_db()
    assert (call.status, call.looks, run.status) == ("parked", 3, "waiting")


def test_a_person_may_ask_again_and_the_doubtful_call_counts_as_spent(model, enhanced):
    run, call = parked(model, enhanced)
    held = call.reserved_micros

    deciding.ask_again(call, actor=ALICE)

    assert go_on(run) == "completed"
    first, second = AiCall.objects.order_by("id")
    assert (first.status, first.cost_micros, first.decided_by) == ("abandoned", held, ALICE)
    assert (second.status, second.key) == ("received", f"{run.public_id}:call openai#2")
    assert (model.account.calls, money_held()) == (2, 0)


def test_a_person_may_give_up_and_the_run_ends_without_an_answer(model, enhanced):
    run, call = parked(model, enhanced)

    deciding.give_up(call, actor=ALICE)

    assert go_on(run) == "failed"
    assert run.error["message"].startswith(f"{call.public_id} was given up by a person")
    assert model.account.calls == 1


def test_a_person_may_look_again(model, enhanced):
    model.misbehave(script=[["cut"]], list_status=503)
    run = enhanced()
    call = AiCall.objects.get()
    assert (call.status, "could not be looked up" in call.problem) == ("parked", True)

    assert deciding.look_again(call, actor=ALICE) is False
    model.misbehave(list_status=200)
    assert deciding.look_again(call, actor=ALICE) is True

    assert go_on(run) == "completed"
    assert (model.account.calls, len(model.paid)) == (1, 1)


def test_only_a_parked_call_is_decided_about(model, enhanced):
    enhanced()
    call = AiCall.objects.get()

    for decide in (deciding.look_again, deciding.ask_again, deciding.give_up):
        with pytest.raises(Conflict):
            decide(call, actor=ALICE)
    assert AiCall.objects.get().status == "received"
    assert not Event.objects.filter(name="ai_call.decided").exists()


def test_too_many_calls_pause_every_worker_for_as_long_as_the_provider_says(model, enhanced):
    model.misbehave(script=[[429, "rate_limit_exceeded", {"retry-after-ms": "80"}]])

    run = enhanced()

    call = AiCall.objects.get()
    assert (run.status, call.status, call.attempts) == ("completed", "received", 2)
    assert (model.account.calls, len(model.paid)) == (2, 1)
    assert run.failed_attempts.exclude(error__type="RetryAfter").count() == 0


def test_an_answer_that_used_up_the_limit_lets_the_next_wait(model, enhanced):
    model.account.headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "6m0s",
    }

    enhanced()

    assert 350 < limits.paused_for("ai:openai:gpt-test") <= 360


def test_a_failure_that_the_provider_owns_up_to_is_tried_again_twice(model, enhanced):
    model.misbehave(script=[[500, "server_error"]] * 3)

    run = enhanced()

    call = AiCall.objects.get()
    assert (run.status, call.status, call.attempts) == ("failed", "failed", 3)
    assert (model.account.calls, model.account.listings, model.paid) == (3, 3, [])
    assert money_held() == 0


def test_an_error_after_a_paid_answer_is_found_out(model, enhanced):
    """A 500 of a gateway behind which the answer was made: the look-up comes before any second call."""
    model.misbehave(script=[["cut"]])
    complete = model.account.complete

    def failing_gateway(body, headers):
        complete(body, headers)
        model.account.complete = complete
        return Refusal(502, "bad_gateway").reply

    model.account.complete = failing_gateway

    run = enhanced()

    assert (run.status, model.account.calls, len(model.paid)) == ("completed", 1, 1)


@pytest.mark.parametrize("status", [408, 502, 504])
def test_what_a_gateway_says_is_no_word_of_the_model_and_stays_in_doubt(status, model, enhanced):
    """Behind a 504 the answer may still be on its way: it is not asked for again."""
    model.misbehave(script=[[status, "gateway_timeout"]])

    run = enhanced()

    assert (run.status, AiCall.objects.get().status) == ("waiting", "parked")
    assert (model.account.calls, model.account.listings) == (1, 3)


def test_a_list_that_is_none_is_no_answer_and_nothing_is_asked_again(model, enhanced):
    model.misbehave(script=[["cut"]])
    model.account.list = lambda query, headers: Reply(200, {}, raw=b"<html>Gateway</html>")

    run = enhanced()

    call = AiCall.objects.get()
    assert (run.status, call.status, model.account.calls) == ("waiting", "parked", 1)
    assert "could not be looked up: The server answered 200 with no list." in call.problem


def test_an_answer_is_found_though_the_server_names_the_model_more_exactly(model, enhanced):
    model.misbehave(script=[["cut"]])
    make = model.account._make

    def dated(request, fate):
        completion = make(request, fate)
        completion["model"] = "gpt-test-2026-11-01"
        return completion

    model.account._make = dated

    run = enhanced()

    assert (run.status, model.account.calls, len(model.paid)) == ("completed", 1, 1)


def test_an_answer_that_comes_after_all_needs_no_decision_and_the_run_goes_on(model, enhanced):
    """Its worker was taken for dead, and wakes with the answer."""
    run, call = parked(model, enhanced)
    told = json.dumps({"business_model": "B2B"})
    body = {"id": "late", "choices": [{"message": {"content": told}, "finish_reason": "stop"}]}

    assert ledger.receive(call, [Completion(body)]) is True

    assert go_on(run) == "completed"
    assert (AiCall.objects.get().status, model.account.calls, money_held()) == ("received", 1, 0)
    with pytest.raises(Conflict):
        deciding.ask_again(call, actor=ALICE)


BROKEN = {
    "id": "chatcmpl-\0",
    "choices": [
        {
            "message": {"content": '{"business_model": "B2B \\u0000\\ud800", "x": NaN}\0\ud83d'},
            "finish_reason": "stop",
            "logprobs": [float("-inf"), float("nan")],
        }
    ],
    "usage": {"prompt_tokens": 10**12, "completion_tokens": 5},
}


def test_an_answer_that_no_database_could_keep_is_kept_without_what_it_cannot(model, enhanced):
    model.account.complete = lambda body, headers: Reply(200, BROKEN)

    run = enhanced()

    call = AiCall.objects.get()
    assert (run.status, call.status, call.provider_id) == ("completed", "received", "chatcmpl-")
    assert call.response["choices"][0]["logprobs"] == [None, None]
    assert call.input_tokens == 100_000_000
    assert FieldValue.objects.get().value == "B2B"


@pytest.mark.parametrize("choices", ["text", [], ["text"], [{"message": "text"}], [{}]])
def test_an_answer_in_no_known_form_is_mended_and_not_lost(choices, model, enhanced):
    complete, odd = model.account.complete, [Reply(200, {"id": "x", "choices": choices})]
    model.account.complete = lambda body, headers: odd.pop() if odd else complete(body, headers)

    run = enhanced()

    assert run.status == "completed"
    assert [call.verdict for call in AiCall.objects.order_by("id")] == ["invalid", "valid"]


def test_a_server_that_cannot_be_reached_costs_nothing(model, enhanced, settings):
    settings.OPENAI_BASE_URL = "http://127.0.0.1:9/v1"

    run = enhanced()

    call = AiCall.objects.get()
    assert (run.status, call.status, call.problem_code) == ("failed", "failed", "not_reached")
    assert (call.attempts, money_held()) == (3, 0)


@pytest.mark.parametrize(
    ("status", "code"), [(400, "invalid_request"), (404, "model_not_found"), (422, "no")]
)
def test_a_refused_request_is_not_repeated(status, code, model, enhanced):
    model.misbehave(script=[[status, code]])

    run = enhanced()

    assert (run.status, model.account.calls, money_held()) == ("failed", 1, 0)
    assert run.error["message"] == f"The provider refuses the request: {code}"


@pytest.mark.parametrize(
    ("status", "code"), [(429, "insufficient_quota"), (401, "invalid_api_key")]
)
def test_an_empty_or_closed_account_pauses_all_calls_with_one_alert(
    status, code, model, enhanced, client_named, settings, mailoutbox
):
    settings.ALERT_EMAILS = ["ops@longhaul.test"]
    model.misbehave(script=[[status, code]] * 2)
    others = [client_named(f"Other {n}") for n in range(4)]
    waiting = [enhance_client(each, actor=ALICE) for each in others]

    run = enhanced()

    assert model.account.calls == 1
    assert {each.status for each in (run, *refreshed(waiting))} == {"waiting"}
    assert len(mailoutbox) == 1
    assert money_held() == 0
    account = AiAccount.objects.get()
    assert account.is_paused

    model.misbehave(script=[])
    resume_account(account_of("openai"), actor=ALICE)
    assert go_on(run) == "completed"
    assert {each.status for each in refreshed(waiting)} == {"completed"}
    assert (model.account.calls, len(model.paid)) == (6, 5)


def refreshed(runs):
    for run in runs:
        run.refresh_from_db()
    return runs


def test_an_account_that_is_not_paused_cannot_be_resumed(db):
    with pytest.raises(Conflict):
        resume_account(account_of("openai"), actor=ALICE)


def test_a_run_that_is_retried_pays_for_no_answer_again(model, enhanced, monkeypatch):
    def broken(*args, **kwargs):
        raise ValueError("a bug of ours")

    with monkeypatch.context() as patch:
        patch.setattr("enrichment.applying.update_client", broken)
        run = enhanced()
    assert run.status == "failed"

    retry_run(run, actor=ALICE)

    assert go_on(run) == "completed"
    assert (model.account.calls, len(model.paid)) == (1, 1)
