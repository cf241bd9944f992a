"""Erasing a person (GDPR, article 17): at once what is theirs in our rows, then what stands in frozen bytes.

What stays is the keyed hash of each address, so that it stays suppressed, and nameless rows, so that counts and the
proof of consent still add up. Layers above register what they forget: `register_part("registrations", forget)`.
"""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction
from django.db.models import QuerySet

from core import audit, clock
from core.errors import Conflict
from jobs.actions import start_run
from jobs.models import Run
from messaging import lives
from messaging.actions.consent import suppress_address, withdraw_consent
from messaging.channels import Channel
from messaging.dossier import tests_about
from messaging.models import (
    ConsentEvent,
    ConsentState,
    Contact,
    Message,
    Proof,
    ProviderEvent,
    SandboxMessage,
    SuppressionReason,
)
from messaging.states import MessageStatus, Reason

Forget = Callable[[Contact], None]
_parts: dict[str, Forget] = {}

#: In a batch whose fate is open: its bytes and addresses must stay as they are until that is known.
OPEN = (MessageStatus.SENDING, MessageStatus.IN_DOUBT)
SOURCE = "erased at the person's wish"


def register_part(name: str, forget: Forget) -> None:
    """Call `forget(contact)` in the transaction that erases a person, before their row is anonymised."""
    _parts[name] = forget


def erase_contact(contact: Contact, *, actor: str) -> Run:
    """Make a person nobody, their addresses closed for good; return the run that cleans frozen bytes.

    Raises Conflict where that was done before.
    """
    with transaction.atomic():
        lives.lock(contact.messages.values_list("pk", flat=True), wait=True)
        _refuse_twice(contact)
        for forget in _parts.values():
            forget(contact)
        _forget_tests(contact)
        _forget_what_they_texted(contact)
        _withdraw(contact, actor=actor)
        _anonymise(contact)
        _forget_what_was_said(contact)
        forget_messages(contact)
        audit.record("contact.erased", contact, actor=actor)
        return start_run("messaging.erase", input={"contact": contact.public_id}, actor=actor)


def forget_messages(contact: Contact) -> None:
    """Take addresses and data off the messages whose fate is known; those in open batches keep theirs for now."""
    messages = contact.messages.all()
    messages.filter(status=MessageStatus.PENDING).update(
        status=MessageStatus.SKIPPED, reason=Reason.ERASED, settled_at=clock.now()
    )
    done = messages.exclude(status__in=OPEN)
    _forget_in_the_sandbox(done)
    done.update(address="", detail="", data=None)
    events = ProviderEvent.objects.filter(contact=contact, applied_at__isnull=False)
    events.exclude(body="").update(body="")


def _refuse_twice(contact: Contact) -> None:
    if not Contact.objects.filter(pk=contact.pk, erased_at=None).update(erased_at=clock.now()):
        raise Conflict("This person was erased before.", field="contact", value=contact.public_id)


def _withdraw(contact: Contact, *, actor: str) -> None:
    for channel in Channel:
        if contact.consents.filter(channel=channel, state=ConsentState.GRANTED).exists():
            withdraw_consent(contact, channel, source=SOURCE, actor=actor)
        if hashed := contact.address_hash_for(channel):
            suppress_address(
                channel, hashed, reason=SuppressionReason.ERASED, source="", actor=actor
            )


def _anonymise(contact: Contact) -> None:
    Contact.objects.filter(pk=contact.pk).update(
        email=None,
        phone=None,
        email_hash="",
        phone_hash="",
        first_name="",
        last_name="",
        time_zone="",
        locale="",
        attributes={},
        updated_at=clock.now(),
    )
    contact.refresh_from_db()


def _forget_what_was_said(contact: Contact) -> None:
    """Keep what was agreed to and when; forget from where."""
    contact.memberships.all().delete()
    contact.topic_choices.all().delete()
    contact.confirmations.update(ip_address=None)
    # The history is append-only for everybody else.
    QuerySet(ConsentEvent).filter(contact=contact).update(ip_address=None)


def _forget_tests(contact: Contact) -> None:
    """Empty the tests about a person, and take their address off those that went to it; one on its way is given up."""
    tests = tests_about(contact)
    ids = [proof.public_id for proof in tests.only("pk")]
    SandboxMessage.objects.filter(message__in=ids).delete()
    tests.filter(address__in=contact.addresses).update(address="", payload=b"", contact=None)
    Proof.objects.filter(contact=contact).update(payload=b"", contact=None)


def _forget_what_they_texted(contact: Contact) -> None:
    """Empty their answers from before they were a contact; those since then are known by the contact."""
    if contact.phone:
        ProviderEvent.objects.of_stranger(contact.phone).update(body="")


def _forget_in_the_sandbox(messages: QuerySet[Message]) -> None:
    for message in messages.only("pk").iterator():
        SandboxMessage.objects.filter(message=message.public_id).delete()
