"""The call to Twilio: what goes over the wire, and what each answer means."""

from __future__ import annotations

import json
import logging
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jsonschema
import pytest
import requests

from core.errors import Refused
from messaging import payloads
from messaging.models import Sender
from messaging.providers import connections
from messaging.providers.base import (
    InDoubt,
    NotNow,
    OptedOut,
    RateLimited,
    Rejected,
    SenderBlocked,
)
from messaging.providers.registry import check_ready
from messaging.providers.twilio import TwilioProvider, callback_url

SERVICE = "MG" + "0" * 32


def sms(text: str = "Hello", *, to: str = "+27825550001", **origin: str) -> bytes:
    tags = [{"name": "message", "value": "msg_1"}]
    return payloads.encode(
        [{**(origin or {"from": "+15005550006"}), "to": [to], "text": text, "tags": tags}]
    )


def long_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def test_one_sms_is_handed_over_and_its_sid_returned(twilio_server):
    answer = TwilioProvider().send_batch(sms("Grüße"), key="k", attempt=1)

    [taken] = twilio_server.taken
    assert answer.accepted == {0: taken.sid}
    assert (taken.to, taken.sender, taken.body) == ("+27825550001", "+15005550006", "Grüße")


def test_it_asks_for_news_of_this_message_and_this_attempt(twilio_server):
    TwilioProvider().send_batch(sms(), key="k", attempt=2)

    [taken] = twilio_server.taken
    assert (taken.message, taken.attempt) == ("msg_1", "2")
    [message] = payloads.decode(sms())
    assert callback_url(message, attempt=2) == (
        "https://longhaul.test/webhooks/twilio/status?m=msg_1&a=2#rc=3&rp=all"
    )


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8000"])
def test_no_news_is_asked_for_at_an_address_that_twilio_cannot_reach(url, twilio_server, settings):
    settings.PUBLIC_URL = url

    TwilioProvider().send_batch(sms(), key="k")

    assert [taken.message for taken in twilio_server.taken] == [""]


def test_a_messaging_service_stands_instead_of_a_number(twilio_server):
    twilio_server.keeps_requests = True

    TwilioProvider().send_batch(sms(messaging_service=SERVICE), key="k")

    [(_, body)] = twilio_server.requests
    form = dict(parse_qsl(body.decode()))
    assert form["MessagingServiceSid"] == SERVICE
    assert "From" not in form


def test_it_says_who_we_are(twilio_server):
    twilio_server.keeps_requests = True

    TwilioProvider().send_batch(sms(), key="k")

    [(headers, _)] = twilio_server.requests
    account = twilio_server.account
    assert b64decode(headers["authorization"].removeprefix("Basic ")).decode() == (
        f"{account.sid}:{account.token}"
    )


def test_calls_share_one_connection_until_it_has_rested_too_long(twilio_server, monkeypatch):
    monkeypatch.setattr("messaging.providers.twilio._http._connection", connections.KeptAlive())
    for _ in range(3):
        TwilioProvider().send_batch(sms(), key="k")
    assert twilio_server.connections == 1

    monkeypatch.setattr(connections, "IDLE_SECONDS", 0.0)
    TwilioProvider().send_batch(sms(), key="k")
    assert twilio_server.connections == 2


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (400, 21211, Rejected),
        (400, 21408, Rejected),
        (400, 21614, Rejected),
        (400, 21617, Rejected),
        (400, 21610, OptedOut),
        (400, 21606, SenderBlocked),
        (400, 30034, SenderBlocked),
        (401, 20003, SenderBlocked),
        (403, 20403, SenderBlocked),
        (404, 20404, SenderBlocked),
        (429, 63038, SenderBlocked),
        (429, 20429, RateLimited),
        (429, 21611, NotNow),
        (408, 20408, InDoubt),
        (500, 20500, InDoubt),
        (503, 20503, InDoubt),
        (400, 400, SenderBlocked),  # a proxy's page: no message is at fault
        (302, 302, SenderBlocked),
    ],
)
def test_each_error_means_one_thing(status, code, outcome, twilio_server):
    twilio_server.misbehave(script=[[status, code]])

    with pytest.raises(outcome) as caught:
        TwilioProvider().send_batch(sms(), key="k")

    assert type(caught.value) is outcome
    assert (caught.value.code, caught.value.http_status) == (str(code), status)
    assert twilio_server.taken == []


@pytest.mark.parametrize(
    ("fault", "is_taken"),
    [(["cut"], True), (["drop"], False), (["late", 502], True), (["nonsense"], True)],
)
def test_an_answer_that_never_came_or_cannot_be_read_leaves_it_in_doubt(
    fault, is_taken, twilio_server
):
    twilio_server.misbehave(script=[fault])

    with pytest.raises(InDoubt):
        TwilioProvider().send_batch(sms(), key="k")

    assert bool(twilio_server.taken) is is_taken


def test_nobody_waits_for_ever(twilio_server, monkeypatch):
    monkeypatch.setattr("messaging.providers.twilio.TIMEOUT", (5, 0.2))
    twilio_server.misbehave(script=[["hang", 1.0]])

    with pytest.raises(InDoubt, match="ReadTimeout"):
        TwilioProvider().send_batch(sms(), key="k")


def test_where_nobody_listens_nothing_was_sent(twilio_server, settings):
    settings.TWILIO_API_URL = "http://127.0.0.1:9"

    with pytest.raises(NotNow, match="unreachable"):
        TwilioProvider().send_batch(sms(), key="k")


def test_a_connection_that_never_comes_up_sent_nothing(twilio_server, monkeypatch):
    def slow(*args, **kwargs):
        raise requests.ConnectTimeout

    monkeypatch.setattr(requests.Session, "request", slow)
    with pytest.raises(NotNow):
        TwilioProvider().send_batch(sms(), key="k")


@pytest.mark.parametrize(("header", "wait"), [("7", 7.0), ("soon", 1.0), ("86400", 300.0)])
def test_a_rate_limit_says_how_long_to_wait(header, wait, twilio_server):
    twilio_server.misbehave(script=[[429, 20429, {"message": "Slow", "retry_after": header}]])

    with pytest.raises(RateLimited) as caught:
        TwilioProvider().send_batch(sms(), key="k")

    assert caught.value.wait == wait


# --- looking up ----------------------------------------------------------------------------------


def test_a_look_up_finds_what_was_taken(twilio_server):
    answer = TwilioProvider().send_batch(sms(), key="k")

    assert TwilioProvider().look_up(sms(), since=long_ago()) == [answer.accepted[0]]


def test_a_look_up_knows_other_words_other_people_and_older_times_apart(twilio_server):
    TwilioProvider().send_batch(sms("Another text"), key="k")
    TwilioProvider().send_batch(sms(to="+27825550002"), key="k")
    TwilioProvider().send_batch(sms(messaging_service=SERVICE), key="k")
    TwilioProvider().send_batch(sms(), key="k")
    later = datetime.now(UTC) + timedelta(minutes=10)

    assert len(TwilioProvider().look_up(sms(), since=long_ago())) == 1
    assert TwilioProvider().look_up(sms(), since=later) == []


def test_a_look_up_reads_further_pages(twilio_server):
    first = TwilioProvider().send_batch(sms("The first"), key="k").accepted[0]
    for number in range(60):
        TwilioProvider().send_batch(sms(f"Number {number}"), key="k")

    assert TwilioProvider().look_up(sms("The first"), since=long_ago()) == [first]


@pytest.mark.parametrize(
    "listed",
    [
        "Sent from your Twilio trial account - Hello you",
        "Sent from your trial account - Hello you",
        "Hello  you \r\n",
    ],
)
def test_what_is_added_on_the_way_does_not_hide_it(listed, twilio_server):
    sid = TwilioProvider().send_batch(sms(listed), key="k")

    assert TwilioProvider().look_up(sms("Hello you"), since=long_ago()) == [sid.accepted[0]]


@pytest.mark.parametrize("listed", ["[Test] Hello", "Say Hello", "Hello again"])
def test_a_text_with_the_same_words_in_it_is_another(listed, twilio_server):
    """A test went to somebody's telephone a moment before the message itself, whose answer was lost."""
    TwilioProvider().send_batch(sms(listed), key="k")

    assert TwilioProvider().look_up(sms("Hello"), since=long_ago()) == []


def test_a_look_up_that_fails_proves_nothing(twilio_server):
    twilio_server.misbehave(look_ups=[[503, 20503]])

    with pytest.raises(InDoubt):
        TwilioProvider().look_up(sms(), since=long_ago())


# --- asking about one --------------------------------------------------------------------------


def test_one_message_is_asked_about_by_its_sid(twilio_server):
    sid = TwilioProvider().send_batch(sms(), key="k").accepted[0]
    twilio_server.account.bring(sid, "undelivered", error=30003)

    news = TwilioProvider().news_of(sid, message="msg_1")

    told = dict(parse_qsl(news.body, keep_blank_values=True))
    assert (news.source, news.kind, news.dedupe_key, news.query) == (
        "twilio",
        "status.undelivered",
        f"{sid}:undelivered",
        "m=msg_1",
    )
    assert (told["MessageSid"], told["To"], told["ErrorCode"]) == (sid, "+27825550001", "30003")


def test_one_that_twilio_does_not_have_any_more_has_no_news(twilio_server):
    assert TwilioProvider().news_of("SM" + "0" * 32, message="msg_1") is None


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [([503, 20503], InDoubt), ([429, 20429], RateLimited), (["drop"], InDoubt)],
)
def test_a_question_without_an_answer_is_no_news(fault, outcome, twilio_server):
    sid = TwilioProvider().send_batch(sms(), key="k").accepted[0]
    twilio_server.misbehave(questions=[fault])

    with pytest.raises(outcome):
        TwilioProvider().news_of(sid, message="msg_1")


def test_a_refused_account_is_no_missing_message(twilio_server, settings):
    settings.TWILIO_AUTH_TOKEN = "revoked"

    with pytest.raises(SenderBlocked, match="20003"):
        TwilioProvider().news_of("SM" + "0" * 32, message="msg_1")


# --- settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"])
def test_without_credentials_it_says_so_before_and_blocks_after(missing, twilio_server, settings):
    setattr(settings, missing, "")

    with pytest.raises(Refused, match=missing):
        check_ready(Sender(name="SMS", channel="sms", provider="twilio"))
    with pytest.raises(SenderBlocked, match=missing):
        TwilioProvider().send_batch(sms(), key="k")


def test_a_sender_needs_a_number_or_a_service(twilio_server, settings):
    settings.TWILIO_PHONE_NUMBER = ""
    with pytest.raises(Refused, match="TWILIO_PHONE_NUMBER"):
        check_ready(Sender(name="SMS", channel="sms", provider="twilio"))

    check_ready(Sender(name="SMS", channel="sms", provider="twilio", from_number="+15005550006"))
    check_ready(Sender(name="SMS", channel="sms", provider="twilio", messaging_service=SERVICE))
    settings.TWILIO_MESSAGING_SERVICE_SID = SERVICE
    check_ready(Sender(name="SMS", channel="sms", provider="twilio"))


def test_no_number_stands_in_the_log(twilio_server, caplog):
    caplog.set_level(logging.DEBUG)

    TwilioProvider().send_batch(sms(), key="k")
    TwilioProvider().look_up(sms(), since=long_ago())

    ours = [r for r in caplog.records if not r.name.startswith("urllib3")]
    assert not any("27825550001" in record.getMessage() for record in ours)


# --- Twilio's own description --------------------------------------------------------------------


@pytest.mark.parametrize("origin", [{"from": "+15005550006"}, {"messaging_service": SERVICE}])
def test_what_we_send_is_valid_against_twilios_openapi(origin, twilio_server, shared_data):
    spec = json.loads(shared_data("specs/twilio_api_v2010.json").read_text())
    path = spec["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages.json"]
    content = path["post"]["requestBody"]["content"]
    schema = content["application/x-www-form-urlencoded"]["schema"]
    twilio_server.keeps_requests = True

    sid = TwilioProvider().send_batch(sms(**origin), key="k").accepted[0]
    TwilioProvider().look_up(sms(**origin), since=long_ago())
    TwilioProvider().news_of(sid, message="msg_1")

    (headers, body), (_, query), (_, asked) = twilio_server.requests
    form = dict(parse_qsl(body.decode()))
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    assert set(form) <= set(schema["properties"])
    jsonschema.validate(form, {**schema, "components": spec["components"]})
    assert urlsplit(form["StatusCallback"]).scheme == "https"
    known = {p["name"] for p in path["get"]["parameters"] if p["in"] == "query"}
    assert set(parse_qs(query.decode())) <= known
    one = spec["paths"]["/2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json"]["get"]
    parameters = {p["name"]: p for p in one["parameters"]}
    assert (set(parameters), asked) == ({"AccountSid", "Sid"}, b"")
    jsonschema.validate(sid, parameters["Sid"]["schema"])


def test_our_stand_in_answers_as_twilios_openapi_says(twilio_server, shared_data):
    spec = json.loads(shared_data("specs/twilio_api_v2010.json").read_text())
    schemas = spec["components"]["schemas"]
    TwilioProvider().send_batch(sms(), key="k")
    taken = TwilioProvider().send_batch(sms(messaging_service=SERVICE), key="k")
    twilio_server.account.bring(taken.accepted[0], "undelivered", error=30003)

    account = twilio_server.account
    answer = requests.get(
        f"{twilio_server.url}/2010-04-01/Accounts/{account.sid}/Messages.json",
        auth=(account.sid, account.token),
        timeout=5,
    )
    for message in answer.json()["messages"]:
        resource = schemas["api.v2010.account.message"]
        assert set(message) == set(resource["properties"])
        assert message["status"] in schemas["message_enum_status"]["enum"]
        assert message["direction"] in schemas["message_enum_direction"]["enum"]
        assert re.fullmatch(resource["properties"]["sid"]["pattern"], message["sid"])
