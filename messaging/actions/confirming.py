"""Signing up for a list: at once, or after a confirmation by mail where the list asks for one (double opt-in)."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction

from core import audit, clock
from core.errors import Conflict, NotFound, Refused
from messaging.actions.consent import Evidence, resubscribe
from messaging.actions.people import add_to_list
from messaging.actions.sending import send_message
from messaging.channels import Channel
from messaging.models import Confirmation, Contact, ContactList, Sender, Template

#: Asked again within this time, nobody gets a second mail: a form must not become a mail bomb.
ASK_AGAIN_AFTER = timedelta(minutes=15)
LINK = "data.confirm_url"
CONFIRMED = "{source}, confirmed by mail"


def subscribe(
    contact_list: ContactList, contact: Contact, *, evidence: Evidence
) -> Confirmation | None:
    """Put a person on a list with the consent they gave there; return what waits where the list asks them first."""
    if contact_list.double_opt_in:
        return _ask(contact_list, contact, evidence=evidence)
    with transaction.atomic():
        _join(contact_list, contact, channel=Channel.EMAIL, evidence=evidence)
    return None


def confirm(confirmation: Confirmation, *, ip_address: str | None) -> bool:
    """Do what a person confirms by their link; return whether it was news. Raises Conflict when it is too late."""
    if confirmation.is_expired or confirmation.contact.erased_at:
        raise Conflict("This link is too old.", remedy="Sign up once more to get a new one.")
    evidence = Evidence(
        source=CONFIRMED.format(source=confirmation.source)[:200],
        actor="recipient",
        wording=confirmation.wording,
        ip_address=ip_address,
    )
    with transaction.atomic():
        waiting = Confirmation.objects.filter(pk=confirmation.pk, confirmed_at=None)
        is_news = waiting.update(confirmed_at=clock.now()) > 0
        if is_news:
            channel = Channel(confirmation.channel)
            _join(confirmation.list, confirmation.contact, channel=channel, evidence=evidence)
    return is_news


def set_double_opt_in(
    contact_list: ContactList,
    *,
    is_on: bool,
    actor: str,
    sender: Sender | None = None,
    template: Template | None = None,
) -> None:
    """Let a list ask for confirmation, or no longer; raise Refused where it could not ask."""
    if is_on:
        _check_mail(sender, template)
    with transaction.atomic():
        ContactList.objects.filter(pk=contact_list.pk).update(
            double_opt_in=is_on, confirmation_sender=sender, confirmation_template=template
        )
        audit.record("list.double_opt_in_set", contact_list, actor=actor, is_on=is_on)
    contact_list.refresh_from_db()


def confirm_url(confirmation: Confirmation) -> str:
    return f"{settings.PUBLIC_URL}/confirm/{_signer().sign(confirmation.public_id)}"


def confirmation_of(token: str) -> Confirmation:
    """Return what a link confirms; raise NotFound for any that we did not sign."""
    try:
        return Confirmation.from_public_id(_signer().unsign(token))
    except BadSignature:
        raise NotFound("This link is not valid.") from None


def _ask(contact_list: ContactList, contact: Contact, *, evidence: Evidence) -> Confirmation:
    """Send the mail with the link, unless one is on its way."""
    assert contact_list.confirmation_template is not None
    with transaction.atomic():
        ContactList.objects.select_for_update().get(pk=contact_list.pk)
        asked = contact.confirmations.filter(
            list=contact_list, confirmed_at=None, asked_at__gt=clock.now() - ASK_AGAIN_AFTER
        ).first()
        if asked:
            return asked
        confirmation = Confirmation.objects.create(
            contact=contact,
            list=contact_list,
            source=evidence.source,
            wording=evidence.wording,
            ip_address=evidence.ip_address,
            actor=evidence.actor,
        )
        send_message(
            contact_list.confirmation_template,
            contact=contact,
            sender=contact_list.confirmation_sender,
            data={"confirm_url": confirm_url(confirmation), "list": contact_list.name},
            actor=evidence.actor,
        )
        audit.record("list.confirmation_asked", contact_list, actor=evidence.actor)
    return confirmation


def _join(
    contact_list: ContactList, contact: Contact, *, channel: Channel, evidence: Evidence
) -> None:
    resubscribe(
        contact,
        channel,
        source=evidence.source,
        actor=evidence.actor,
        wording=evidence.wording,
        ip_address=evidence.ip_address,
    )
    add_to_list(contact_list, [contact], actor=evidence.actor)


def _check_mail(sender: Sender | None, template: Template | None) -> None:
    if sender is None or sender.channel != Channel.EMAIL:
        raise Refused(
            "Double opt-in needs a sender of e-mails.",
            field="confirmation_sender",
            remedy="Choose who the confirmation comes from.",
        )
    version = template.latest if template and template.channel == Channel.EMAIL else None
    if version is None or LINK not in version.variables:
        raise Refused(
            f"Double opt-in needs an e-mail template that shows {{{{ {LINK} }}}}.",
            field="confirmation_template",
            remedy="Write one with that link in it, and choose it here.",
        )


def _signer() -> Signer:
    return Signer(salt="messaging.confirmation", sep=".")
