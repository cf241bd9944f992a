"""A test goes to one address through the real sender, marked, audited, and outside of everything else."""

from __future__ import annotations

import json

import pytest

from core.errors import Refused
from core.models import AuditEntry
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.actions.consent import suppress_address
from messaging.actions.proofs import send_proof
from messaging.actions.senders import pause_sender
from messaging.actions.templates import create_template, save_version
from messaging.addresses import address_hash
from messaging.channels import Channel
from messaging.models import (
    Contact,
    Message,
    Proof,
    SandboxMessage,
    Sender,
    SuppressionReason,
    Template,
)
from tests.fakes.resend_server import ResendServer
from tests.messaging.outbox.making import make_sender

HTML = (
    "<p>{{ contact.first_name }}, {{ event.title | default: 'no event' }}, "
    '<a href="{{ unsubscribe_url }}">out</a></p>'
)


@pytest.fixture
def template(db: None) -> Template:
    made = create_template(name="Welcome", actor="test")
    save_version(made, subject="Hello {{ contact.first_name }}", html=HTML, actor="test")
    return made


def test_it_is_marked_and_goes_to_whom_nobody_asked(
    template: Template, sandbox: Sender, thandi: Contact
) -> None:
    proof = send_proof(
        template, sender=sandbox, address="Me@Example.com", contact=thandi, actor="staff:alice"
    )
    run_until_idle()

    mail = SandboxMessage.objects.get()
    assert (mail.recipient, mail.subject) == ("me@example.com", "[Test] Hello Thandi")
    assert mail.message == proof.public_id
    assert "/u/test" in mail.html
    assert mail.headers == {}
    proof.refresh_from_db()
    assert (proof.status, proof.provider_id) == ("sent", f"sandbox-{mail.pk}")
    assert not Message.objects.exists()
    assert not Contact.objects.filter(email="me@example.com").exists()


def test_it_is_audited_without_the_address(template: Template, sandbox: Sender) -> None:
    proof = send_proof(template, sender=sandbox, address="me@example.com", actor="staff:alice")

    entry = AuditEntry.objects.get(verb="template.proof_sent")
    assert (entry.actor, entry.detail["proof"]) == ("staff:alice", proof.public_id)
    assert "me@example.com" not in json.dumps(entry.detail)
    assert "me@example.com" not in json.dumps(Run.objects.get().input)


def test_the_links_of_a_test_end_nothing(template: Template, client) -> None:
    for place in ("u", "preferences"):
        page = client.get(f"/{place}/test")
        assert page.status_code == 200
        assert "This was a test" in page.content.decode()
    assert client.post("/u/test").status_code == 405


def test_data_stands_in_for_a_campaign(template: Template, sandbox: Sender) -> None:
    for data in ({"event": {"title": "Open day"}}, {}, None):
        send_proof(template, sender=sandbox, address="me@example.com", data=data, actor="test")
    run_until_idle()

    bodies = list(SandboxMessage.objects.order_by("pk").values_list("html", flat=True))
    assert ["Open day" in body for body in bodies] == [True, False, False]
    assert ["no event" in body for body in bodies] == [False, True, False]


def test_the_same_test_under_its_key_is_sent_once(
    template: Template, resend: Sender, resend_server: ResendServer
) -> None:
    resend_server.misbehave(cut_rate=1.0)
    proof = send_proof(template, sender=resend, address="me@example.com", actor="test")
    run_until_idle(advance=False)
    assert (Proof.objects.get().status, len(resend_server.accepted)) == ("sending", 1)

    resend_server.misbehave(cut_rate=0.0)
    run_until_idle(advance=True)

    proof.refresh_from_db()
    assert (proof.status, proof.provider_id) == ("sent", resend_server.accepted[0].id)
    assert len(resend_server.accepted) == 1
    assert resend_server.accepted[0].to == "me@example.com"


def test_what_the_provider_refuses_is_told(
    template: Template, resend: Sender, resend_server: ResendServer, settings
) -> None:
    settings.RESEND_API_KEY = "re_wrong"
    proof = send_proof(template, sender=resend, address="me@example.com", actor="test")
    run_until_idle()

    proof.refresh_from_db()
    assert proof.status == "failed"
    assert "invalid_api_key" in proof.problem
    resend.refresh_from_db()
    assert not resend.is_paused


def test_a_provider_that_never_answers_is_given_up(
    template: Template, resend: Sender, resend_server: ResendServer
) -> None:
    resend_server.misbehave(drop_rate=1.0)
    send_proof(template, sender=resend, address="me@example.com", actor="test")
    run_until_idle(advance=True)

    proof = Proof.objects.get()
    assert (proof.status, bool(proof.problem)) == ("failed", True)
    assert resend_server.accepted == []


def refused(template: Template, **parts: object) -> Refused:
    given = {"address": "me@example.com", "actor": "test", **parts}
    with pytest.raises(Refused) as refusal:
        send_proof(template, **given)  # type: ignore[arg-type]
    assert not Proof.objects.exists()
    assert not Run.objects.exists()
    return refusal.value


def test_what_cannot_be_sent_is_refused_with_the_reason(
    template: Template, sandbox: Sender, sipho: Contact
) -> None:
    sms = make_sender("sandbox", name="Texts", channel=Channel.SMS)
    empty = create_template(name="Empty", actor="test")
    needy = create_template(name="Needy", actor="test")
    save_version(needy, subject="Hi", html="{{ contact.attributes.town }}", actor="test")

    assert refused(template, sender=sandbox, address="nobody").field == "email"
    assert "sends sms" in refused(template, sender=sms).message
    assert "no version yet" in refused(empty, sender=sandbox).message
    assert refused(needy, sender=sandbox, contact=sipho).value == "contact.attributes.town"
    pause_sender(sandbox, reason="holidays", actor="test")
    assert refused(template, sender=sandbox).code == "sender_paused"


@pytest.mark.parametrize(
    ("reason", "goes"),
    [
        (SuppressionReason.BOUNCED, False),
        (SuppressionReason.COMPLAINED, False),
        (SuppressionReason.MANUAL, False),
        (SuppressionReason.UNSUBSCRIBED, True),
    ],
)
def test_an_address_that_takes_no_mail_gets_none(
    template: Template, sandbox: Sender, reason: SuppressionReason, goes: bool
) -> None:
    hashed = address_hash("me@example.com")
    suppress_address(Channel.EMAIL, hashed, reason=reason, actor="test")

    if goes:
        send_proof(template, sender=sandbox, address="me@example.com", actor="test")
    else:
        assert refused(template, sender=sandbox).code == "suppressed"


def test_an_sms_is_tested_too(db: None) -> None:
    texts = make_sender("sandbox", name="Texts", channel=Channel.SMS)
    reminder = create_template(name="Reminder", channel=Channel.SMS, actor="test")
    save_version(reminder, text="Hi {{ contact.first_name }}", actor="test")

    send_proof(reminder, sender=texts, address="082 555 0134", actor="test")
    run_until_idle()

    kept = SandboxMessage.objects.get()
    assert (kept.recipient, kept.text, kept.channel) == ("+27825550134", "[Test] Hi Thandi", "sms")


# --- doors ----------------------------------------------------------------------------------------------


def test_staff_send_a_test_by_a_button(
    template: Template, sandbox: Sender, alice, client_of
) -> None:
    page = f"/admin/messaging/template/{template.pk}"
    client = client_of(alice)
    answers = {"address": "me@example.com", "sender": str(sandbox.pk), "contact": ""}

    client.get(f"{page}/test/")
    assert not Proof.objects.exists()
    client.post(f"{page}/test/", answers)

    assert Proof.objects.get().created_by == "staff:alice"
    assert "me@example.com through" in client.get(f"{page}/change/").content.decode()


def test_who_only_looks_sends_no_test(
    template: Template, sandbox: Sender, bob, oscar, client_of
) -> None:
    url = f"/admin/messaging/template/{template.pk}/test/"
    answers = {"address": "me@example.com", "sender": str(sandbox.pk), "contact": ""}

    assert client_of(bob).post(url, answers).status_code == 403
    assert not Proof.objects.exists()
    assert client_of(oscar).post(url, answers).status_code == 302


def test_the_api_sends_a_test_and_tells_what_became_of_it(
    template: Template, sandbox: Sender, api
) -> None:
    url = f"/api/v1/templates/{template.public_id}/tests"
    body = {"to": "me@example.com", "sender": sandbox.public_id}

    assert api("templates:write").post(url, body).status_code == 403
    answer = api("templates:test").post(url, body)
    run_until_idle()
    told = api("templates:read").get(answer["Location"]).json()

    assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert (told["status"], told["to"], told["version"]) == ("sent", "me@example.com", 1)


def test_a_test_is_found_under_its_own_template_alone(
    template: Template, sandbox: Sender, api
) -> None:
    proof = send_proof(template, sender=sandbox, address="me@example.com", actor="test")
    other = create_template(name="Other", actor="test")

    url = f"/api/v1/templates/{other.public_id}/tests/{proof.public_id}"
    assert api("templates:read").get(url).status_code == 404
