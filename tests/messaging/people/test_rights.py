"""A person may know everything we know, and may be forgotten: by page, by API and by command alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from core import clock
from core.errors import Conflict
from core.models import AuditEntry
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.actions.consent import Evidence
from messaging.actions.erasing import erase_contact
from messaging.actions.people import add_to_list, create_contact, create_list, update_contact
from messaging.actions.proofs import send_proof
from messaging.actions.topics import choose_topic, create_topic
from messaging.addresses import address_hash
from messaging.channels import Channel
from messaging.dossier import export_contact
from messaging.erasure import without
from messaging.models import (
    Consent,
    ConsentEvent,
    Contact,
    Message,
    Proof,
    ProviderEvent,
    SandboxMessage,
    SendBatch,
    Sender,
    Suppression,
    Template,
)
from messaging.streams import open_stream, pause_stream, write_messages
from tests.messaging.outbox.making import make_sender, make_version

ClientOf = Callable[..., Client]
WORDS = ("thandi", "adams", "acme", "192.0.2.7", "27825550199")


@pytest.fixture
def thandi(thandi: Contact) -> Contact:
    """She and another were written to; she opened, and one more letter waits."""
    update_contact(thandi, phone="+27825550199", actor="system")
    other = create_contact(email="other@example.com", first_name="Other", actor="system")
    Consent.objects.create(contact=other, channel="email", state="granted")
    readers = create_list(name="Readers", actor="system")
    add_to_list(readers, [thandi, other], actor="system")
    topic = create_topic(name="Events", actor="system")
    evidence = Evidence(source="page", actor="recipient", ip_address="192.0.2.7")
    choose_topic(thandi, topic, Channel.EMAIL, wanted=False, evidence=evidence)
    sender = make_sender("sandbox")
    version = make_version(subject="Hello {{ contact.first_name }} {{ contact.last_name }}")
    for title in ("Sent", "Waiting"):
        stream = open_stream(title, sender=sender, template_version=version)
        if title == "Waiting":
            pause_stream(stream)
        write_messages(stream, lists=[readers], joined_before=clock.now())
    run_until_idle(advance=True)
    message = Message.objects.get(contact=thandi, stream__title="Sent")
    ProviderEvent.objects.create(
        source="resend",
        dedupe_key="msg_1",
        kind="email.opened",
        body='{"data": {"to": ["thandi@example.com"]}}',
        applied_at=clock.now(),
        message=message,
        contact=thandi,
    )
    return Contact.objects.get(pk=thandi.pk)


def everything() -> str:
    """Return all that is stored about anybody, as text."""
    tables = (
        Contact,
        ConsentEvent,
        Message,
        ProviderEvent,
        SandboxMessage,
        Suppression,
        AuditEntry,
    )
    rows = [list(table.objects.values_list()) for table in tables]
    frozen = [batch.payload.decode() for batch in SendBatch.objects.all()]
    return repr(rows).lower() + "".join(frozen).lower()


def test_the_export_holds_everything(thandi: Contact) -> None:
    dossier = export_contact(thandi, actor="staff:alice")

    assert dossier["contact"]["email"] == "thandi@example.com"
    assert dossier["contact"]["attributes"] == {"company": "Acme"}
    assert [each["list"] for each in dossier["lists"]] == ["Readers"]
    assert [(e["state"], e["topic"]) for e in dossier["consent_history"]] == [
        ("granted", None),
        ("withdrawn", "Events"),
    ]
    assert dossier["consent_history"][1]["ip_address"] == "192.0.2.7"
    sent, waiting = dossier["messages"]
    assert (sent["subject"], waiting["subject"]) == ("Hello Thandi Adams", None)
    assert sent["events"][0]["kind"] == "email.opened"
    assert "thandi@example.com" in sent["events"][0]["body"]
    assert AuditEntry.objects.get(verb="contact.exported").actor == "staff:alice"
    assert "other@example.com" not in repr(dossier)


def test_nothing_of_an_erased_person_is_left_but_the_hash(thandi: Contact) -> None:
    hashed = thandi.email_hash
    before = everything()

    erase_contact(thandi, actor="staff:alice")
    run_until_idle(advance=True)

    after = everything()
    assert [word for word in WORDS if word in before] == list(WORDS)
    assert [word for word in WORDS if word in after] == []
    assert hashed == address_hash("thandi@example.com")
    assert Suppression.objects.get(channel="email").address_hash == hashed
    assert set(Suppression.objects.values_list("channel", "reason")) == {
        ("email", "erased"),
        ("sms", "erased"),
    }
    assert "hello other" in after
    assert Run.objects.get(workflow="messaging.erase").status == "completed"


def test_what_she_texted_before_she_was_a_contact_is_told_and_emptied(thandi: Contact) -> None:
    hers, anothers = (
        ProviderEvent.objects.create(
            source="twilio",
            dedupe_key=f"{number}:inbound",
            kind="inbound",
            body=f"Body=Where+is+it%3F&From=%2B{number}&To=%2B27600000000",
            applied_at=clock.now(),
        )
        for number in ("27825550199", "278255501990")
    )

    told = export_contact(thandi, actor="staff:alice")["answers"]
    erase_contact(thandi, actor="staff:alice")

    assert [each["body"] for each in told] == [hers.body]
    hers.refresh_from_db()
    kept = ProviderEvent.objects.get(pk=anothers.pk)
    assert (hers.body, kept.body) == ("", anothers.body)


@pytest.fixture
def proofs(thandi: Contact) -> list[Proof]:
    """Tests that went to her, were about her, and have nothing to do with her."""
    template, sender = Template.objects.get(), Sender.objects.get()
    send = partial(send_proof, template, sender=sender, actor="staff:alice")
    sent = [
        send(address="thandi@example.com"),
        send(address="alice@example.com", contact=thandi),
        send(address="alice@example.com"),
    ]
    run_until_idle(advance=True)
    return sent


def test_the_export_holds_tests_to_her_and_about_her(thandi: Contact, proofs: list[Proof]) -> None:
    told = export_contact(thandi, actor="staff:alice")["tests"]

    assert [(each["id"], each["address"]) for each in told] == [
        (proofs[0].public_id, "thandi@example.com"),
        (proofs[1].public_id, None),
    ]
    assert told[1]["subject"] == "[Test] Hello Thandi Adams"
    assert told[1]["status"] == "sent"


def test_tests_to_her_and_about_her_are_emptied_and_others_stay(
    thandi: Contact, proofs: list[Proof]
) -> None:
    erase_contact(thandi, actor="staff:alice")
    run_until_idle(advance=True)

    to_her, about_her, other = Proof.objects.order_by("pk")
    assert (to_her.address, bytes(to_her.payload)) == ("", b"")
    assert (about_her.address, bytes(about_her.payload)) == ("alice@example.com", b"")
    assert (about_her.contact, other.payload != b"") == (None, True)
    kept = SandboxMessage.objects.filter(message__startswith="prf").values_list("message")
    assert list(kept) == [(other.public_id,)]


def test_a_test_about_her_that_is_still_on_its_way_is_given_up(thandi: Contact) -> None:
    proof = send_proof(
        Template.objects.get(),
        sender=Sender.objects.get(),
        address="alice@example.com",
        contact=thandi,
        actor="staff:alice",
    )
    erase_contact(thandi, actor="staff:alice")
    run_until_idle(advance=True)

    proof.refresh_from_db()
    assert (proof.status, proof.problem) == (
        "failed",
        "The person that it was about has been erased.",
    )
    assert not SandboxMessage.objects.filter(message=proof.public_id).exists()


def test_an_erased_person_is_nobody_who_could_be_changed(
    thandi: Contact, alice: User, client_of: ClientOf
) -> None:
    erase_contact(thandi, actor="staff:alice")
    page = reverse("admin:messaging_contact_change", args=[thandi.pk])
    give = reverse("admin:messaging_contact_give", args=[thandi.pk])
    browser = client_of(alice)

    with pytest.raises(Conflict, match="is erased"):
        update_contact(thandi, first_name="Thandi", actor="staff:alice")

    assert "Record consent" not in browser.get(page).content.decode()
    assert browser.post(page, {"first_name": "Thandi"}).status_code == 403
    assert browser.post(give, {"channel": "email", "source": "x"}).status_code == 403
    assert Contact.objects.get(pk=thandi.pk).first_name == ""


def test_an_erased_person_is_written_to_no_more(thandi: Contact) -> None:
    erase_contact(thandi, actor="staff:alice")

    assert sorted(Message.objects.filter(contact=thandi).values_list("status", "reason")) == [
        ("sent", ""),
        ("skipped", "erased"),
    ]
    assert set(Consent.objects.filter(contact=thandi).values_list("state", flat=True)) == {
        "withdrawn"
    }
    assert thandi.memberships.count() == 0


def test_the_address_stays_closed_when_somebody_brings_it_again(thandi: Contact) -> None:
    erase_contact(thandi, actor="staff:alice")

    again = create_contact(email="thandi@example.com", actor="key:1")

    assert again.pk != thandi.pk
    assert Suppression.objects.filter(address_hash=again.email_hash).get().reason == "erased"


def test_the_checksum_of_cleaned_bytes_holds_and_its_other_letters_stay(thandi: Contact) -> None:
    erase_contact(thandi, actor="staff:alice")
    run_until_idle(advance=True)

    batch = SendBatch.objects.get()
    mails = json.loads(batch.payload)
    assert [mail["to"] for mail in mails].count(["other@example.com"]) == 1
    assert {"to": "", "erased": True} in mails


def test_a_batch_whose_fate_is_open_is_cleaned_once_it_is_known(thandi: Contact) -> None:
    SendBatch.objects.update(status="parked")
    Message.objects.filter(status="sent").update(status="in_doubt", reason="key_expired")
    erase_contact(thandi, actor="staff:alice")
    run_until_idle()
    waits = Run.objects.get(workflow="messaging.erase").status
    before = SendBatch.objects.get().payload

    SendBatch.objects.update(status="settled")
    Message.objects.filter(status="in_doubt").update(status="sent", reason="")
    run_until_idle(advance=True)

    assert waits == "waiting"
    assert b"Thandi" in before
    assert [word for word in WORDS if word in everything()] == []


def test_bytes_are_cleaned_of_whole_ids_alone() -> None:
    mails = b'[{"to":["a"],"tags":[{"value":"msg_2c"}]},{"callback":"x?m=msg_2c4&a=1"}]'

    assert without(mails, []) is None
    assert without(mails, ["msg_2"]) is None
    assert without(mails, ["msg_2c4"]) == (
        b'[{"to":["a"],"tags":[{"value":"msg_2c"}]},{"to":"","erased":true}]'
    )


def test_nobody_is_erased_twice(thandi: Contact) -> None:
    erase_contact(thandi, actor="staff:alice")

    with pytest.raises(Conflict):
        erase_contact(thandi, actor="staff:alice")
    assert AuditEntry.objects.filter(verb="contact.erased").count() == 1


def test_staff_download_the_file(client_of: ClientOf, oscar: User, thandi: Contact) -> None:
    client = client_of(oscar)
    place = reverse("admin:messaging_contact_export", args=[thandi.pk])

    page = client.get(reverse("admin:messaging_contact_change", args=[thandi.pk]))
    response = client.post(place)

    assert f'formaction="{place}"' in page.content.decode()
    assert response["Content-Disposition"] == f'attachment; filename="{thandi.public_id}.json"'
    assert response.json()["contact"]["id"] == thandi.public_id
    assert client.get(place).status_code == 405


def test_who_only_looks_may_not_export_and_operators_may_not_erase(
    client_of: ClientOf, bob: User, oscar: User, thandi: Contact
) -> None:
    export = reverse("admin:messaging_contact_export", args=[thandi.pk])
    erase = reverse("admin:messaging_contact_erase", args=[thandi.pk])

    assert client_of(bob).post(export).status_code == 403
    assert client_of(bob).post(erase).status_code == 403
    assert client_of(oscar).post(erase).status_code == 403
    assert Contact.objects.get(pk=thandi.pk).email == "thandi@example.com"
    assert AuditEntry.objects.filter(verb="contact.exported").count() == 0


def test_the_owner_erases_with_one_button(
    client_of: ClientOf, alice: User, thandi: Contact
) -> None:
    response = client_of(alice).post(reverse("admin:messaging_contact_erase", args=[thandi.pk]))

    assert response.status_code == 302
    assert Contact.objects.get(pk=thandi.pk).erased_at is not None


def test_the_api_exports_and_erases(api: Callable[..., Any], thandi: Contact) -> None:
    place = f"/api/v1/contacts/{thandi.public_id}"

    exported = api("contacts:export").get(f"{place}/export")
    erased = api("contacts:erase").post(f"{place}/erase")

    assert exported.json()["contact"]["email"] == "thandi@example.com"
    assert erased.status_code == 202
    assert erased["Location"] == f"/api/v1/runs/{Run.objects.latest('pk').public_id}"
    assert api("contacts:erase").post(f"{place}/erase").status_code == 409


def test_reading_contacts_allows_neither(api: Callable[..., Any], thandi: Contact) -> None:
    place = f"/api/v1/contacts/{thandi.public_id}"
    caller = api("contacts:read", "contacts:write")

    assert caller.get(f"{place}/export").status_code == 403
    assert caller.post(f"{place}/erase").status_code == 403
    assert Contact.objects.get(pk=thandi.pk).email == "thandi@example.com"


def test_the_command_exports_and_erases(thandi: Contact) -> None:
    out = StringIO()

    call_command("contact", "export", "Thandi@example.com", stdout=out)
    call_command("contact", "erase", thandi.public_id, "--yes", stdout=StringIO())

    assert json.loads(out.getvalue())["contact"]["id"] == thandi.public_id
    assert Contact.objects.get(pk=thandi.pk).email is None
    with pytest.raises(CommandError):
        call_command("contact", "export", "thandi@example.com", stdout=StringIO())
