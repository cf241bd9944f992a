"""How we talk to Resend: the frozen bytes, its own request form, a connection that is kept, a key that is there."""

from __future__ import annotations

import json
import os

import jsonschema
import pytest
import yaml

from core.errors import Refused
from messaging import payloads
from messaging.models import Sender
from messaging.providers import connections
from messaging.providers.base import BatchAnswer, SenderBlocked, Unknown
from messaging.providers.registry import check_ready
from messaging.providers.resend import ResendProvider, _client
from tests.messaging.outbox.making import deliver, make_stream


def payload_of(*names: str) -> bytes:
    return payloads.encode(
        [
            {
                "from": "news@longhaul.test",
                "to": [f"{name}@example.com"],
                "subject": f"Hello {name} – grüße",
                "html": "<p>Hello</p>",
                "tags": [{"name": "message", "value": name}],
            }
            for name in names
        ]
    )


def test_the_answer_names_each_position(resend_server):
    answer = ResendProvider().send_batch(payload_of("alice", "bob"), key="k1")

    ids = [entry.id for entry in resend_server.accepted]
    assert answer == BatchAnswer({0: ids[0], 1: ids[1]})


def test_refused_positions_are_left_out_of_the_accepted_ones(resend_server):
    mails = payloads.decode(payload_of("alice", "bob", "charlie"))
    mails[1]["to"] = ["nobody"]

    answer = ResendProvider().send_batch(payloads.encode(mails), key="k1")

    alice, charlie = (entry.id for entry in resend_server.accepted)
    assert answer.accepted == {0: alice, 2: charlie}
    assert answer.rejected == {1: ("validation_error", "Invalid `to` field.")}


def test_the_frozen_bytes_go_out_and_nothing_else(resend_server):
    resend_server.keeps_requests = True

    ResendProvider().send_batch(payload_of("alice"), key="k1")

    [(headers, body)] = resend_server.requests
    assert body == payload_of("alice")
    assert headers["content-type"] == "application/json"
    assert headers["authorization"] == "Bearer re_test"


def test_bytes_that_the_sdk_would_change_do_not_go_out(resend_server):
    spaced = json.dumps(json.loads(payload_of("alice"))).encode()

    with pytest.raises(SenderBlocked) as blocked:
        ResendProvider().send_batch(spaced, key="k1")

    assert blocked.value.code == "payload_changed"
    assert resend_server.account.calls == 0


def test_many_calls_share_one_connection(resend_server):
    _client._connection = connections.KeptAlive()
    for number in range(5):
        ResendProvider().send_batch(payload_of("alice"), key=f"k{number}")

    assert resend_server.connections == 1


def test_a_connection_that_rested_too_long_is_replaced(resend_server, monkeypatch):
    _client._connection = connections.KeptAlive()
    ResendProvider().send_batch(payload_of("alice"), key="k1")
    monkeypatch.setattr(connections, "IDLE_SECONDS", -1.0)
    ResendProvider().send_batch(payload_of("alice"), key="k2")

    assert resend_server.connections == 2


def test_a_session_is_not_used_across_a_fork(monkeypatch):
    kept = connections.KeptAlive()
    parent = kept.session()
    assert kept.session() is parent

    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert kept.session() is not parent


def test_a_server_that_is_not_there_leaves_the_batch_in_doubt(settings):
    settings.RESEND_API_KEY, settings.RESEND_API_URL = "re_test", "http://127.0.0.1:9"

    with pytest.raises(Unknown) as unknown:
        ResendProvider().send_batch(payload_of("alice"), key="k1")
    assert unknown.value.code == "http_client_error"


def test_the_rest_a_provider_asks_for_is_read_from_its_headers(resend_server):
    resend_server.misbehave(requests_per_second=1)

    assert ResendProvider().send_batch(payload_of("alice"), key="k1").rest_seconds == 1.0


def test_without_its_key_a_sender_is_not_ready_and_the_setting_is_named(settings):
    settings.RESEND_API_KEY = ""

    with pytest.raises(Refused) as refusal:
        check_ready(Sender(name="News", provider="resend"))

    assert refusal.value.field == "RESEND_API_KEY"
    assert "Set RESEND_API_KEY" in refusal.value.remedy


def test_the_sandbox_needs_nothing():
    check_ready(Sender(name="News", provider="sandbox"))


@pytest.mark.django_db
def test_our_requests_fit_resends_own_description(resend, resend_server, shared_data):
    spec = yaml.safe_load(shared_data("specs/resend-openapi.yaml").read_text())
    resend.reply_to = "answers@longhaul.test"
    resend.save()
    resend_server.keeps_requests = True
    make_stream(resend, people=3)

    deliver()

    operation = spec["paths"]["/emails/batch"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    [(headers, body)] = resend_server.requests
    jsonschema.validate(json.loads(body), {**schema, "components": spec["components"]})
    known = spec["components"]["schemas"]["SendEmailRequest"]["properties"]
    assert {name for mail in json.loads(body) for name in mail} <= set(known)
    assert len(headers["idempotency-key"]) <= 256
