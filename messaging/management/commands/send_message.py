"""`manage.py send_message --template NAME --to ADDRESS|--contact ID [--wait]`: one message to one person."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from core.audit import command_actor
from core.errors import Refused
from jobs.watching import looks
from messaging.actions.sending import send_message
from messaging.finding import find_contact, find_sender, find_template
from messaging.history import history_of
from messaging.models import Message
from messaging.states import UNSETTLED_MESSAGE, MessageStatus

NOT_SENT = 2


class Command(BaseCommand):
    help = (
        "Send one transactional message. Exits with 0 when it was written (with --wait: sent), "
        "1 when it was refused, 2 when it was skipped, failed or is in doubt."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--template", required=True, help="its name, or tpl_…")
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--to", help="an e-mail address or a telephone number")
        whom.add_argument("--contact", help="con_…, or the contact's address")
        parser.add_argument("--sender", help="its name, or snd_…; needed where there are several")
        parser.add_argument("--data", default="{}", help="JSON that the template sees as `data`")
        parser.add_argument("--wait", action="store_true", help="until it is settled or held")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            message = send_message(
                find_template(options["template"]),
                to=options["to"] or "",
                contact=find_contact(options["contact"]) if options["contact"] else None,
                sender=find_sender(options["sender"]) if options["sender"] else None,
                data=read_data(options["data"]),
                actor=command_actor(),
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"Written as {message.public_id}.")
        if options["wait"]:
            self._tell(watch(message))
        elif message.status == MessageStatus.SKIPPED:
            self._tell(message)

    def _tell(self, message: Message) -> None:
        last = history_of(message)[-1]
        told = f"{last.event.replace('_', ' ').capitalize()} at {last.at:%Y-%m-%d %H:%M:%S} UTC"
        told = f"{told}: {last.detail}" if last.detail else f"{told}."
        if message.status in (MessageStatus.SENT, *UNSETTLED_MESSAGE):
            self.stdout.write(self.style.SUCCESS(told))
        else:
            raise CommandError(told, returncode=NOT_SENT)


def read_data(text: str) -> dict[str, Any]:
    """Return the JSON object of an argument; raise Refused for anything else."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise _no_object(text, str(error)) from None
    if not isinstance(data, dict):
        raise _no_object(text, "it is no object")
    return data


def _no_object(text: str, why: str) -> Refused:
    remedy = """Write it like '{"code": "1234"}'."""
    return Refused(f"--data is not a JSON object: {why}.", field="data", value=text, remedy=remedy)


def watch(message: Message) -> Message:
    """Wait until a message is settled, or held for later; return it as it stands then."""
    with tqdm(desc="Sending", disable=None, file=sys.stderr, bar_format="{desc} {elapsed}") as bar:
        for _ in looks(bar):
            message.refresh_from_db()
            if message.status not in UNSETTLED_MESSAGE or message.not_before:
                return message
            bar.update(0)
    raise AssertionError("looks() never ends")
