"""One message through the API: written at once, sent by a lane, refused at the door with a reason, once per key."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.models import AuditEntry
from messaging.actions.consent import suppress_address, unsubscribe
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import Contact, Message, SandboxMessage, Stream, SuppressionReason, Template
from messaging.states import HoldPolicy
from tests.messaging.outbox.making import deliver, make_people, make_sender, make_stream

pytestmark = pytest.mark.django_db

URL = "/api/v1/messages"


@pytest.fixture
def receipt(db: None) -> Template:
    template = create_template(name="Receipt", actor="test")
    html = "<p>Dear {{ contact.first_name | default: 'friend' }}, you paid {{ data.amount }}.</p>"
    save_version(template, subject="Your receipt", html=html, actor="test")
    return template


@pytest.fixture
def caller(api, receipt, sandbox):
    return api("messages:send", "messages:read")


def test_a_message_to_a_contact_is_written_sent_and_told_whole(caller, receipt):
    [reader] = make_people(1)

    answer = caller.post(
        URL,
        {"template": "receipt", "contact": reader.public_id, "data": {"amount": "R 100"}},
    )

    assert answer.status_code == 202
    message = Message.objects.get()
    assert answer.headers["Location"] == f"{URL}/{message.public_id}"
    assert answer.headers["Retry-After"] == "2"
    body = answer.json()
    assert (body["id"], body["status"], body["to"]) == (
        message.public_id,
        "pending",
        "person0@example.com",
    )
    deliver()

    told = caller.get(answer.headers["Location"]).json()
    assert (told["status"], told["template"], told["channel"]) == (
        "sent",
        receipt.public_id,
        "email",
    )
    assert [entry["event"] for entry in told["events"]] == [
        "written",
        "cut",
        "attempted",
        "accepted",
    ]
    assert "you paid R 100" in SandboxMessage.objects.get().html
    entry = AuditEntry.objects.get(verb="message.written")
    assert entry.object_id == message.public_id
    assert entry.actor.startswith("key:")


def test_an_address_that_nobody_has_becomes_a_contact_who_agreed_to_nothing(caller):
    answer = caller.post(
        URL, {"template": "Receipt", "to": "Thabo@Example.com", "data": {"amount": 1}}
    )
    deliver()

    assert answer.status_code == 202
    contact = Contact.objects.get()
    assert contact.email == "thabo@example.com"
    assert list(contact.consents.all()) == []
    assert SandboxMessage.objects.get().recipient == "thabo@example.com"


def test_an_address_that_somebody_has_is_theirs(caller):
    [reader] = make_people(1)

    caller.post(URL, {"template": "Receipt", "to": reader.email, "data": {"amount": 1}})

    assert Message.objects.get().contact == reader
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    "address", ["thabo", "thabo@", "@example.com", "a b@example.com", "ü@x.org"]
)
def test_what_is_no_address_is_refused_at_the_door(caller, address):
    answer = caller.post(URL, {"template": "Receipt", "to": address, "data": {"amount": 1}})

    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "invalid_address"
    assert problem["errors"][0]["pointer"] == "#/to"
    assert repr(address) in problem["detail"]
    assert "thabo@example.com" in problem["remedy"]
    assert Message.objects.count() == Contact.objects.count() == 0


@pytest.mark.parametrize("number", ["12", "+27 82", "+999 123 456 789", "person@example.com"])
def test_what_is_no_number_is_refused_at_the_door(api, number):
    template = create_template(name="Code", channel=Channel.SMS, actor="test")
    save_version(template, text="Your code is {{ data.code }}", actor="test")
    make_sender("sandbox", name="Codes", channel=Channel.SMS, from_number="+27825550100")

    answer = api("messages:send").post(
        URL, {"template": "Code", "to": number, "data": {"code": "1234"}}
    )

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_address"
    assert Message.objects.count() == Contact.objects.count() == 0


def test_a_variable_without_a_value_is_refused_and_named(caller):
    answer = caller.post(URL, {"template": "Receipt", "to": "thabo@example.com"})

    assert answer.status_code == 422
    assert answer.json()["code"] == "missing_variable"
    assert "data.amount" in answer.json()["detail"]
    assert Message.objects.count() == Contact.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"template": "Receipt"}, 400, "recipient"),
        ({"template": "Receipt", "to": "a@example.com", "contact": "con_1"}, 400, "not_found"),
        ({"template": "Nothing", "to": "a@example.com"}, 422, "unknown_template"),
        ({"template": "Receipt", "to": "a@example.com", "channel": "sms"}, 422, "refused"),
        ({"template": "Receipt", "to": "a@example.com", "subject": "x"}, 400, "unknown"),
        ({"to": "a@example.com"}, 400, "required"),
        ({"template": "Receipt", "to": "a@example.com", "data": [1]}, 400, "not_a_dict"),
    ],
)
def test_a_body_that_makes_no_message_is_refused(caller, body, status, code):
    answer = caller.post(URL, body)

    assert answer.status_code == status
    problem = answer.json()
    assert code in [problem["code"], *(error["code"] for error in problem.get("errors", []))]
    assert Message.objects.count() == 0


def test_a_sender_must_be_named_where_there_are_several(caller):
    other = make_sender("sandbox", name="Another")
    body = {"template": "Receipt", "to": "a@example.com", "data": {"amount": 1}}

    refused = caller.post(URL, body)
    taken = caller.post(URL, {**body, "sender": other.public_id})

    assert refused.status_code == 422
    assert other.public_id in refused.json()["detail"]
    assert taken.status_code == 202
    assert Stream.objects.get().sender == other


def test_the_same_key_sends_once(caller):
    body = {"template": "Receipt", "to": "a@example.com", "data": {"amount": 1}}
    answers = [caller.post(URL, body, HTTP_IDEMPOTENCY_KEY="order-1") for _ in range(3)]
    deliver()

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert SandboxMessage.objects.count() == 1


def test_who_unsubscribed_still_gets_a_receipt_and_who_complained_gets_nothing(caller):
    left, complained = make_people(2)
    unsubscribe(left, Channel.EMAIL, source="page", actor="recipient", message="")
    suppress_address(
        Channel.EMAIL,
        complained.email_hash,
        reason=SuppressionReason.COMPLAINED,
        source="test",
        actor="test",
    )

    for person in (left, complained):
        body = {"template": "Receipt", "contact": person.public_id, "data": {"amount": 1}}
        assert caller.post(URL, body).status_code == 202
    deliver()

    assert list(Message.objects.order_by("id").values_list("status", "reason")) == [
        ("sent", ""),
        ("skipped", "suppressed"),
    ]


def test_a_message_for_later_says_so(caller):
    at = clock.now() + timedelta(hours=5)
    body = {"template": "Receipt", "to": "a@example.com", "data": {"amount": 1}}

    told = caller.post(URL, {**body, "not_before": at.isoformat(), "quiet_hours": "hold"}).json()

    assert (told["status"], told["reason"]) == ("pending", "scheduled")
    assert [entry["event"] for entry in told["events"]] == ["written", "held"]
    assert told["events"][-1]["detail"] == "For a later time"
    assert Message.objects.get().quiet_hours == HoldPolicy.HOLD


def test_the_list_is_narrowed_down_and_newest_first(caller, sandbox):
    make_stream(sandbox, people=3)
    deliver()
    caller.post(URL, {"template": "Receipt", "to": "a@example.com", "data": {"amount": 1}})

    everything = caller.get(URL).json()["results"]
    pending = caller.get(URL, {"status": "pending"}).json()["results"]
    receipts = caller.get(URL, {"template": "receipt"}).json()["results"]
    future = caller.get(URL, {"since": (clock.now() + timedelta(hours=1)).isoformat()}).json()

    assert [row["status"] for row in everything] == ["pending", "sent", "sent", "sent"]
    assert [row["to"] for row in pending] == [row["to"] for row in receipts] == ["a@example.com"]
    assert future["results"] == []
    assert caller.get(URL, {"life": "bounced"}).json()["results"] == []
    assert caller.get(URL, {"status": "lost"}).status_code == 400
    assert caller.get(URL, {"sender": "snd_0"}).status_code == 400


def test_a_key_needs_its_scope_and_staff_the_permission(
    api, client_of, bob, oscar, charlie, receipt, sandbox
):
    body = {"template": "Receipt", "to": "a@example.com", "data": {"amount": 1}}

    assert api().post(URL, body).status_code == 401
    assert api("messages:read").post(URL, body).status_code == 403
    assert api("messages:send").get(URL).status_code == 403
    for person, allowed in ((charlie, False), (bob, False), (oscar, True)):
        answer = client_of(person).post(URL, body, content_type="application/json")
        assert (answer.status_code == 202) is allowed, person
    assert Message.objects.count() == 1
    assert client_of(bob).get(URL).status_code == 200


def test_a_page_of_messages_takes_the_same_queries_however_many(
    caller, sandbox, django_assert_max_num_queries
):
    make_stream(sandbox, people=30)
    with django_assert_max_num_queries(8):
        assert len(caller.get(URL).json()["results"]) == 30
