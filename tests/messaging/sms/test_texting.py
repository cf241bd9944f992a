"""An SMS goes the way of every message: same lanes, same ledger, same consent."""

from __future__ import annotations

import json

import pytest

from core.audit import AuditEntry
from messaging import audience
from messaging.actions.consent import withdraw_consent
from messaging.channels import Channel
from messaging.models import (
    ConsentEvent,
    Contact,
    ContactList,
    Message,
    SandboxMessage,
    SendBatch,
    Suppression,
)
from tests.messaging.outbox.making import deliver, statuses
from tests.messaging.sms.making import assert_each_sent_once, make_sms_sender, make_stream

pytestmark = pytest.mark.django_db

SERVICE = "MG" + "1" * 32


def test_everybody_gets_one_sms_each_in_a_call_of_its_own(twilio, twilio_server):
    stream = make_stream(twilio, people=5)

    deliver()

    assert statuses(stream) == {"sent": 5}
    assert_each_sent_once(twilio_server, stream)
    assert twilio_server.account.calls == 5
    assert {taken.attempt for taken in twilio_server.taken} == {"1"}
    batches = SendBatch.objects.values_list("status", "count", "attempts")
    assert list(batches) == [("settled", 1, 1)] * 5


def test_the_text_is_written_for_each_person(twilio, twilio_server):
    make_stream(
        twilio,
        people=2,
        text="{{ contact.first_name }}: {{ campaign.name }} {{ data.when }}",
        data={"when": "at nine"},
    )

    deliver()

    assert [taken.body for taken in twilio_server.taken] == [
        "Person 0: Reminder at nine",
        "Person 1: Reminder at nine",
    ]


def test_blank_ends_are_cut_off(twilio, twilio_server):
    make_stream(twilio, people=1, text="\n Dear {{ contact.first_name }}\n")

    deliver()

    assert [taken.body for taken in twilio_server.taken] == ["Dear Person 0"]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("{{ contact.last_name }}", "The text is empty for this person."),
        ("x" * 1_601, "The text has 1,601 characters; an SMS holds 1,600."),
    ],
)
def test_a_text_that_no_provider_takes_fails_before_the_call(text, detail, twilio, twilio_server):
    make_stream(twilio, people=1, text=text)

    deliver()

    assert Message.objects.values_list("status", "reason", "detail").get() == (
        "failed",
        "template_error",
        detail,
    )
    assert twilio_server.account.calls == 0


@pytest.mark.parametrize(
    ("own", "origin"),
    [
        ({}, "+15005550006"),
        ({"from_number": "+15005550007"}, "+15005550007"),
        ({"messaging_service": SERVICE}, SERVICE),
    ],
)
def test_the_senders_own_number_goes_before_the_settings(own, origin, twilio_server):
    make_stream(make_sms_sender(**own), people=1)

    deliver()

    assert [taken.sender for taken in twilio_server.taken] == [origin]


def test_the_audience_is_who_has_a_telephone_and_agreed_to_sms(twilio, twilio_server):
    stream = make_stream(twilio, people=3)
    deaf = Contact.objects.create(email="a@example.com", email_hash="x")
    people = ContactList.objects.get()
    people.contacts.add(deaf)
    first = Contact.objects.get(phone="+27825550000")
    withdraw_consent(first, Channel.SMS, source="telephone", actor="staff:alice")

    count = audience.count([people], Channel.SMS)
    deliver()

    assert (count.total, count.sendable) == (4, 2)
    assert count.skipped == {"no_address": 1, "no_consent": 1}
    assert statuses(stream) == {"sent": 2, "skipped": 1}
    assert {taken.to for taken in twilio_server.taken} == {"+27825550001", "+27825550002"}


def test_the_sandbox_keeps_sms_too(sandbox, client_of, alice):
    make_stream(sandbox, people=2)

    deliver()

    kept = SandboxMessage.objects.order_by("recipient")
    assert [(k.channel, k.recipient, k.subject, k.text) for k in kept] == [
        ("sms", "+27825550000", "", "Hello Person 0"),
        ("sms", "+27825550001", "", "Hello Person 1"),
    ]
    browser = client_of(alice)
    assert b"Hello Person 0" in browser.get("/admin/messaging/sandboxmessage/").content
    page = browser.get(f"/admin/messaging/sandboxmessage/{kept[0].pk}/change/")
    assert b"Hello Person 0" in page.content


# --- what Twilio says ----------------------------------------------------------------------------


def test_a_number_that_twilio_refuses_fails_alone(twilio, twilio_server):
    stream = make_stream(twilio, people=3)
    twilio_server.misbehave(script=[["ok"], [400, 21211]])

    deliver()

    assert statuses(stream) == {"sent": 2, "failed": 1}
    failed = Message.objects.get(status="failed")
    assert (failed.reason, failed.detail) == ("21211", "Error 21211")
    assert Suppression.objects.count() == 0


def test_who_opted_out_at_twilio_is_written_to_no_more(twilio, twilio_server):
    stream = make_stream(twilio, people=2)
    contact = Contact.objects.order_by("phone").first()
    twilio_server.account.opted_out.add(contact.phone)

    deliver()

    assert statuses(stream) == {"sent": 1, "failed": 1}
    assert Message.objects.get(status="failed").reason == "21610"
    suppression = Suppression.objects.get()
    assert (suppression.channel, suppression.address_hash, suppression.reason) == (
        "sms",
        contact.phone_hash,
        "stopped",
    )
    assert suppression.source == "twilio 21610"
    assert AuditEntry.objects.filter(verb="address.suppressed", actor="provider").count() == 1
    said = ConsentEvent.objects.get(state="withdrawn")
    assert (said.contact, said.channel, said.source) == (contact, "sms", "twilio 21610")


@pytest.mark.parametrize(("status", "code"), [(401, 20003), (429, 63038), (400, 30034)])
def test_what_only_a_person_can_mend_holds_the_sender_and_loses_nothing(
    status, code, twilio, twilio_server, settings, mailoutbox
):
    settings.ALERT_EMAILS = ["ops@longhaul.test"]
    stream = make_stream(twilio, people=3)
    twilio_server.misbehave(script=[["ok"], [status, code]])

    deliver()

    twilio.refresh_from_db()
    assert twilio.status == "paused"
    assert twilio.paused_reason.startswith(f"{code}: ")
    assert len(mailoutbox) == 1
    assert statuses(stream) == {"sent": 1, "sending": 1, "pending": 1}
    frozen = SendBatch.objects.get(status="frozen")
    assert (frozen.attempts, frozen.first_attempt_at) == (0, None)


def test_after_a_rate_limit_the_same_sms_goes_out_once(twilio, twilio_server):
    stream = make_stream(twilio, people=2)
    twilio_server.misbehave(script=[[429, 20429]])

    deliver()

    assert_each_sent_once(twilio_server, stream)
    assert statuses(stream) == {"sent": 2}
    outcomes = SendBatch.objects.order_by("id").first().attempt_log.values_list("outcome", "error")
    assert [outcome for outcome, _ in outcomes] == ["rate_limited", "accepted"]


def test_the_log_of_attempts_says_201(twilio, twilio_server):
    make_stream(twilio, people=1)

    deliver()

    attempt = SendBatch.objects.get().attempt_log.get()
    assert (attempt.outcome, attempt.http_status) == ("accepted", 201)


def test_what_is_frozen_is_what_goes_over_the_wire(twilio, twilio_server):
    make_stream(twilio, people=1)

    deliver()

    [frozen] = json.loads(SendBatch.objects.get().payload)
    assert frozen == {
        "from": "+15005550006",
        "to": ["+27825550000"],
        "text": "Hello Person 0",
        "tags": [{"name": "message", "value": Message.objects.get().public_id}],
    }
