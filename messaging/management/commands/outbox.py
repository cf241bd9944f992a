"""`manage.py outbox status|pause|resume`: how the senders stand, and the switch that stops them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from messaging.actions.senders import pause_sender, resume_sender
from messaging.finding import find_sender
from messaging.models import Sender
from messaging.standing import Standing, standing_of

HEADINGS = ("sender", "state", "due", "held", "on their way", "in doubt", "today")


class Command(BaseCommand):
    help = "Show how the outbox stands; pause or resume a sender, or all of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("status", help="what waits, what is held, and how much of today is left")
        pause = verbs.add_parser("pause", help="let nothing more go out")
        pause.add_argument("--reason", required=True, help="for those who find it paused")
        resume = verbs.add_parser("resume", help="go on where it stood")
        for verb in (pause, resume):
            which = verb.add_mutually_exclusive_group(required=True)
            which.add_argument("sender", nargs="?", help="a sender's name, or snd_…")
            which.add_argument("--all", action="store_true", help="every sender")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, options["verb"])(**options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal

    def status(self, **options: Any) -> None:
        rows = [HEADINGS, *(row_of(standing_of(sender)) for sender in Sender.objects.all())]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            self.stdout.write("  ".join(cells).rstrip())

    def pause(self, *, reason: str, **options: Any) -> None:
        for sender in chosen(options, is_paused=False):
            pause_sender(sender, reason=reason, actor=command_actor())
            self.stdout.write(f"{sender.name} is paused.")

    def resume(self, **options: Any) -> None:
        for sender in chosen(options, is_paused=True):
            resume_sender(sender, actor=command_actor())
            self.stdout.write(f"{sender.name} goes on.")


def chosen(options: dict[str, Any], *, is_paused: bool) -> list[Sender]:
    """Return the sender that was named, or all that are (not) paused."""
    if options["sender"]:
        return [find_sender(options["sender"])]
    return [sender for sender in Sender.objects.all() if sender.is_paused == is_paused]


def row_of(standing: Standing) -> tuple[str, ...]:
    sender = standing.sender
    state = f"paused: {sender.paused_reason}" if sender.is_paused else "active"
    numbers = (standing.due, standing.held, standing.sending, standing.in_doubt)
    return (sender.name, state, *(f"{number:,}" for number in numbers), standing.today)
