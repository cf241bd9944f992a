"""contact export|erase: what a person may ask of us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder

from core.audit import command_actor
from core.errors import Refused
from messaging.actions.erasing import erase_contact
from messaging.addresses import normalise_email
from messaging.dossier import export_contact
from messaging.models import Contact


class Command(BaseCommand):
    help = "Export everything that is known about a person, or erase them (GDPR)."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        export = verbs.add_parser("export", help="write everything about a person as JSON")
        export.add_argument("contact", help="con_…, or an e-mail address")
        export.add_argument("--output", type=Path, help="a file; without, the terminal")
        erase = verbs.add_parser("erase", help="make a person nobody, for ever")
        erase.add_argument("contact", help="con_…, or an e-mail address")
        erase.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            contact = find(options["contact"])
            getattr(self, options["verb"])(contact, options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None

    def export(self, contact: Contact, options: dict[str, Any]) -> None:
        dossier = export_contact(contact, actor=command_actor())
        text = json.dumps(dossier, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
        if options["output"]:
            options["output"].write_text(text + "\n", encoding="utf-8")
        else:
            self.stdout.write(text)

    def erase(self, contact: Contact, options: dict[str, Any]) -> None:
        if not options["yes"] and input(f"Erase {contact.public_id} for ever? [y/N] ") != "y":
            raise CommandError("Nothing was erased.")
        run = erase_contact(contact, actor=command_actor())
        self.stdout.write(f"{contact.public_id} is erased; {run.public_id} cleans what was frozen.")


def find(text: str) -> Contact:
    """Return the contact of an id or an address; raise Refused."""
    if "@" not in text:
        return Contact.from_public_id(text)
    contact = Contact.objects.filter(email=normalise_email(text)).first()
    if contact is None:
        raise Refused("No contact has this address.", field="contact", remedy="Check its spelling.")
    return contact
