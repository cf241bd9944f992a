"""Every class of error that Resend knows is treated as its table says; in each case nothing is lost or doubled."""

from __future__ import annotations

import pytest

from core.audit import AuditEntry
from messaging.actions.consent import withdraw_consent
from messaging.actions.senders import resume_sender
from messaging.channels import Channel
from messaging.delivery import Delivery
from messaging.models import Message, SendAttempt, SendBatch
from messaging.streams import pause_stream, tally
from tests.messaging.outbox.making import (
    assert_each_sent_once,
    deliver,
    make_sender,
    make_stream,
    statuses,
)

pytestmark = pytest.mark.django_db

SOON = {"retry_after": "0.1"}


def outcomes() -> list[tuple[str, int | None]]:
    return list(SendAttempt.objects.order_by("id").values_list("outcome", "http_status"))


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ([500, "application_error"], ("unknown", 500)),
        ([500, "internal_server_error"], ("unknown", 500)),
        ([503, "service_unavailable"], ("unknown", 503)),
        ([502, "a_word_we_never_heard"], ("unknown", 502)),
        (["cut"], ("unknown", None)),
        (["drop"], ("unknown", None)),
        ([409, "concurrent_idempotent_requests"], ("key_in_flight", 409)),
        ([409, "resource_locked"], ("key_in_flight", 409)),
    ],
    ids=lambda value: str(value[-1]) if isinstance(value, list) else None,
)
def test_what_is_in_doubt_is_sent_again_under_its_key(fault, outcome, resend, resend_server):
    resend_server.misbehave(script=[fault, fault])
    resend_server.keeps_requests = True
    stream = make_stream(resend, people=3)

    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 3}
    keys_and_bodies = {(h["idempotency-key"], body) for h, body in resend_server.requests}
    assert len(keys_and_bodies) == 1
    assert outcomes()[0] == outcome
    assert outcomes()[-1] == ("accepted", 200)


def test_too_fast_waits_and_counts_no_attempt(resend, resend_server):
    resend_server.misbehave(script=[[429, "rate_limit_exceeded", SOON]])
    resend_server.keeps_requests = True
    stream = make_stream(resend, people=3)

    deliver()

    assert_each_sent_once(resend_server, stream)
    batch = SendBatch.objects.get()
    assert (batch.status, batch.attempts) == ("settled", 1)
    assert outcomes() == [("rate_limited", 429), ("accepted", 200)]
    assert len({headers["idempotency-key"] for headers, _ in resend_server.requests}) == 1


def test_the_limit_headers_are_followed(db, resend_server):
    resend_server.misbehave(requests_per_second=1)
    stream = make_stream(make_sender("resend"), people=101)

    deliver()

    assert_each_sent_once(resend_server, stream)
    assert outcomes() == [("accepted", 200), ("accepted", 200)]


@pytest.mark.parametrize(
    "fault",
    [
        [401, "missing_api_key"],
        [401, "restricted_api_key"],
        [403, "invalid_api_key"],
        [403, "suspended_api_key"],
        [403, "invalid_permission"],
        [403, "validation_error"],
        [404, "not_found"],
        [405, "method_not_allowed"],
        [400, "invalid_idempotency_key"],
        [429, "daily_quota_exceeded"],
        [429, "monthly_quota_exceeded"],
    ],
    ids=lambda fault: fault[1],
)
def test_a_blocked_account_pauses_the_sender_and_loses_nothing(fault, resend, resend_server):
    resend_server.misbehave(script=[fault])
    resend_server.keeps_requests = True
    stream = make_stream(resend, people=150)

    deliver()

    resend.refresh_from_db()
    assert resend.status == "paused"
    assert resend.paused_reason.startswith(fault[1])
    assert AuditEntry.objects.filter(verb="sender.paused", actor="system").count() == 1
    assert statuses(stream) == {"sending": 100, "pending": 50}
    batch = SendBatch.objects.get()
    assert (batch.status, batch.attempts, batch.first_attempt_at) == ("frozen", 0, None)
    assert resend_server.accepted == []

    resume_sender(resend, actor="staff:alice")
    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 150}
    keys = [headers["idempotency-key"] for headers, _ in resend_server.requests]
    assert keys[0] == keys[1] == batch.key


def test_what_a_blocked_sender_holds_can_still_be_paused(resend, resend_server):
    resend_server.misbehave(script=[[403, "invalid_api_key"]])
    stream = make_stream(resend, people=3)
    deliver()

    pause_stream(stream)

    assert statuses(stream) == {"pending": 3}
    assert SendBatch.objects.get().status == "dissolved"


@pytest.mark.parametrize(
    "name",
    [
        "missing_required_field",
        "missing_required_fields",
        "invalid_attachment",
        "invalid_parameter",
        "invalid_from_address",
        "validation_error",
    ],
)
def test_a_refused_single_message_fails_with_the_providers_reason(name, resend, resend_server):
    resend_server.misbehave(script=[[422, name]])
    stream = make_stream(resend, people=1)

    deliver()

    message = Message.objects.get(stream=stream)
    assert (message.status, message.reason) == ("failed", name)
    assert message.detail == name.replace("_", " ")
    assert resend_server.accepted == []
    assert SendBatch.objects.get().status == "settled"


def spoil(stream, *positions: int) -> list[str]:
    """Give the readers at some positions addresses that the provider refuses."""
    messages = list(Message.objects.filter(stream=stream).order_by("id"))
    for position in positions:
        contact = messages[position].contact
        contact.email = f"person-{position}@nowhere"
        contact.save()
    return [messages[position].public_id for position in positions]


def test_permissive_answers_fail_the_refused_and_keep_the_others_apart(resend, resend_server):
    stream = make_stream(resend, people=5)
    spoiled = spoil(stream, 0, 3)

    deliver()

    assert_each_sent_once(resend_server, stream)
    failed = Message.objects.filter(stream=stream, status="failed").order_by("id")
    assert [message.public_id for message in failed] == spoiled
    assert {(message.reason, message.detail) for message in failed} == {
        ("validation_error", "Invalid `to` field.")
    }
    assert tally(stream).reasons == {"validation_error": 2}


def test_a_batch_refused_as_a_whole_is_split_under_new_keys_until_the_culprit_stands_alone(
    resend, resend_server
):
    resend_server.misbehave(always_strict=True)
    stream = make_stream(resend, people=8)
    spoiled = spoil(stream, 5)

    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 7, "failed": 1}
    assert Message.objects.get(stream=stream, status="failed").public_id == spoiled[0]
    batches = SendBatch.objects.all()
    assert sorted(batches.values_list("status", "count")) == [
        ("dissolved", 2),
        ("dissolved", 4),
        ("dissolved", 8),
        ("settled", 1),
        ("settled", 1),
        ("settled", 2),
        ("settled", 4),
    ]
    assert len(set(batches.values_list("key", flat=True))) == 7


def test_each_half_is_asked_about_when_its_turn_comes(resend, resend_server, monkeypatch):
    resend_server.misbehave(always_strict=True)
    stream = make_stream(resend, people=4)
    spoil(stream, 0)
    last = Message.objects.filter(stream=stream).order_by("id")[3]
    call = Delivery._call

    def withdraw_and_call(lane, batch):
        if batch.count == 1:  # the first half was refused too; the second waits
            withdraw_consent(last.contact, Channel.EMAIL, source="phone", actor="staff:alice")
        return call(lane, batch)

    monkeypatch.setattr(Delivery, "_call", withdraw_and_call)

    deliver()

    assert statuses(stream) == {"sent": 2, "failed": 1, "skipped": 1}
    last.refresh_from_db()
    assert (last.status, last.reason) == ("skipped", "no_consent")
    assert last.address not in {accepted.to for accepted in resend_server.accepted}


def test_who_withdraws_while_the_whole_is_refused_is_in_no_half(resend, resend_server, monkeypatch):
    resend_server.misbehave(always_strict=True)
    stream = make_stream(resend, people=4)
    spoil(stream, 3)
    first = Message.objects.filter(stream=stream).order_by("id")[0]
    call = Delivery._call

    def withdraw_and_call(lane, batch):
        if batch.count == 4:
            withdraw_consent(first.contact, Channel.EMAIL, source="phone", actor="staff:alice")
        return call(lane, batch)

    monkeypatch.setattr(Delivery, "_call", withdraw_and_call)

    deliver()

    assert statuses(stream) == {"sent": 2, "failed": 1, "skipped": 1}
    first.refresh_from_db()
    assert (first.status, first.reason) == ("skipped", "no_consent")
    assert first.address not in {accepted.to for accepted in resend_server.accepted}


def test_a_key_known_with_other_content_is_parked_and_never_sent_again(resend, resend_server):
    resend_server.misbehave(script=[[409, "invalid_idempotent_request"]])
    stream = make_stream(resend, people=2)

    deliver()
    deliver()

    assert statuses(stream) == {"in_doubt": 2}
    assert tally(stream).reasons == {"key_conflict": 2}
    assert SendBatch.objects.get().status == "parked"
    assert resend_server.account.calls == 1
    assert resend_server.accepted == []


def test_one_call_in_five_accepted_and_then_cut_doubles_nothing(resend, resend_server):
    resend_server.misbehave(cut_rate=0.2, error_rate=0.1, drop_rate=0.1)
    resend.rate_per_second = 400_000  # a budget that is always there
    resend.save()
    stream = make_stream(resend, people=1500)

    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 1500}
    assert resend_server.account.calls > 15


def test_a_provider_that_is_down_gets_few_batches_and_all_once_it_is_back(resend, resend_server):
    resend_server.misbehave(script=[[503, "service_unavailable"]] * 30)
    stream = make_stream(resend, people=1000)

    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 1000}
    assert SendBatch.objects.filter(attempts__gt=1).count() <= 4
