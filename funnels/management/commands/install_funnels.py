"""`manage.py install_funnels`: bring in the two standard funnels, with the templates they are made of."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError
from dataclasses import fields
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from funnels.standard import Delays, install_funnels
from messaging.finding import find_sender

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def delay(text: str) -> timedelta:
    """Return a delay written as `90m`, `6h` or `3d`."""
    found = re.fullmatch(r"(\d{1,4})([mhd])", text.strip())
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no delay: write 90m, 6h or 3d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


class Command(BaseCommand):
    help = "Install the two standard funnels and publish them. Those that are there already are kept as they are."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email-sender", help="its name, or snd_…; where there are several")
        parser.add_argument("--sms-sender", help="its name, or snd_…; without one, e-mail alone")
        for each in fields(Delays):
            parser.add_argument(
                f"--{each.name}",
                type=delay,
                default=each.default,
                metavar="DELAY",
                help="how long after attendance is known: 90m, 6h, 3d",
            )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = install_funnels(
                email_sender=_sender(options["email_sender"]),
                sms_sender=_sender(options["sms_sender"]),
                delays=Delays(**{each.name: options[each.name] for each in fields(Delays)}),
                actor=command_actor(),
            )
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        for each in done:
            self.stdout.write(f"{each.name}: {each.outcome}")


def _sender(name: str | None) -> Any:
    return find_sender(name) if name else None
