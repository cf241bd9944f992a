"""Answers that are no good: cut off, declined, filtered, not JSON, or not about what was asked."""

from __future__ import annotations

import pytest

from enrichment.judging import judge
from enrichment.models import AiCall, FieldValue

pytestmark = pytest.mark.django_db


def verdicts() -> list[tuple[str, str]]:
    return list(AiCall.objects.order_by("id").values_list("status", "verdict"))


def test_an_invalid_answer_is_repaired_once_on_a_row_of_its_own(model, enhanced):
    model.keeps_requests = True
    model.misbehave(script=[["text", "Acme is a fine company."]])

    run = enhanced()

    assert run.status == "completed"
    assert verdicts() == [("received", "invalid"), ("received", "valid")]
    first, repair = AiCall.objects.order_by("id")
    assert repair.repairs == first
    assert repair.cost_micros > 0 < first.cost_micros
    roles = [message["role"] for message in repair.request["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert repair.request["messages"][2]["content"] == "Acme is a fine company."
    assert "The answer is not JSON" in repair.request["messages"][3]["content"]


def test_an_answer_that_stays_invalid_ends_the_run_after_two_calls(model, enhanced):
    model.misbehave(script=[["text", "no"], ["text", '{"unknown": 1}']])

    run = enhanced()

    assert (run.status, model.account.calls) == ("failed", 2)
    assert run.error["message"].startswith("Not in the form asked for: None of the fields")
    assert FieldValue.objects.count() == 0


def test_a_cut_off_answer_is_asked_for_once_more_with_twice_the_room(model, enhanced):
    model.misbehave(script=[["truncated"]])

    run = enhanced()

    assert run.status == "completed"
    assert verdicts() == [("received", "truncated"), ("received", "valid")]
    rooms = [call.request["max_completion_tokens"] for call in AiCall.objects.order_by("id")]
    assert rooms == [2000, 4000]


def test_an_answer_that_is_cut_off_twice_ends_the_run(model, enhanced):
    model.misbehave(script=[["truncated"], ["truncated"]])

    run = enhanced()

    assert (run.status, model.account.calls) == ("failed", 2)
    assert run.error["message"] == "Cut off: The answer was longer than it may be."


@pytest.mark.parametrize(
    ("fault", "verdict", "said"),
    [
        ("refusal", "refused", "Declined by the model: I cannot help with that."),
        ("filter", "filtered", "Stopped by the content filter: The provider's content filter"),
    ],
)
def test_a_model_that_declines_is_not_asked_again(fault, verdict, said, model, enhanced):
    model.misbehave(script=[[fault]])

    run = enhanced()

    assert (run.status, model.account.calls) == ("failed", 1)
    assert run.error["message"].startswith(said)
    call = AiCall.objects.get()
    assert (call.verdict, call.cost_micros > 0) == (verdict, True)


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        ('{"a": 1}', "valid"),
        ('```json\n{"a": 1}\n```', "valid"),
        ("[1]", "invalid"),
        ("", "invalid"),
        (None, "invalid"),
        ('{"a": 1', "invalid"),
    ],
)
def test_what_counts_as_an_answer(content, verdict):
    response = {"choices": [{"finish_reason": "stop", "message": {"content": content}}]}

    assert judge(response).verdict == verdict


@pytest.mark.parametrize("response", [{}, {"choices": []}, {"choices": [None]}, {"choices": [{}]}])
def test_a_completion_without_a_message_is_invalid(response):
    assert judge(response).verdict == "invalid"
