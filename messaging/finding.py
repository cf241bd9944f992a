"""Things that people name as they know them: by name, by id, by address."""

from __future__ import annotations

from core.errors import NotFound, Refused
from messaging.addresses import normalise_email, normalise_phone
from messaging.models import Contact, Sender, Template


def find_template(text: str) -> Template:
    """Return the template of a name (in whatever case) or an id; raise Refused where there is none."""
    found = Template.objects.filter(name__iexact=text.strip()).first()
    if found is None and text.startswith(f"{Template.id_prefix}_"):
        return Template.from_public_id(text)
    if found is None:
        raise Refused(
            f"There is no template {text!r}.",
            field="template",
            value=text,
            remedy="Name one as the list of templates does, or by its id tpl_….",
            code="unknown_template",
        )
    return found


def find_contact(text: str) -> Contact:
    """Return the contact of an id, an e-mail address or a number; raise NotFound or Refused where there is none."""
    if text.startswith(f"{Contact.id_prefix}_"):
        return Contact.from_public_id(text)
    found = (
        Contact.objects.filter(email=normalise_email(text)).first()
        if "@" in text
        else Contact.objects.filter(phone=normalise_phone(text)).first()
    )
    if found is None:
        raise NotFound(f"There is no contact {text!r}.", value=text)
    return found


def contact_or_none(text: str) -> Contact | None:
    """Return the contact that a text names, or nobody."""
    try:
        return find_contact(text)
    except Refused:
        return None


def find_sender(text: str) -> Sender:
    """Return the sender of a name or an id; raise NotFound where there is none."""
    found = Sender.objects.filter(name__iexact=text.strip()).first()
    return found or Sender.from_public_id(text)
