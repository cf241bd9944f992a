"""`manage.py workflows`: what workflows there are, what starts them, what holds them back; and pausing them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from jobs import holds
from jobs.catalogue import Entry, entries

VERBS = {
    "pause": (holds.pause_workflow, "have none of a workflow's runs taken up"),
    "resume": (holds.resume_workflow, "let them go on"),
    "pause-queue": (holds.pause_queue, "have nothing of a queue taken up, on any machine"),
    "resume-queue": (holds.resume_queue, "let it go on"),
}


class Command(BaseCommand):
    help = "List the workflows with their triggers, limits, next slot and input; pause or resume one, or a queue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", metavar="VERB")
        for verb, (_, help) in VERBS.items():
            verbs.add_parser(verb, help=help).add_argument("name", metavar="NAME")

    def handle(self, *args: Any, **options: Any) -> None:
        if options.get("verb"):
            self._hold(options["verb"], options["name"])
            return
        for entry in entries():
            self._show(entry)

    def _hold(self, verb: str, name: str) -> None:
        act, _ = VERBS[verb]
        try:
            hold = act(name, actor=command_actor())
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"The {hold} {'is paused' if hold.is_on else 'goes on'}.")

    def _show(self, entry: Entry) -> None:
        version = f" (version {entry.version})" if entry.version > 1 else ""
        paused = ", paused" if entry.is_paused else ""
        self.stdout.write(self.style.MIGRATE_HEADING(entry.name) + version + paused)
        lines = {
            "": [entry.about],
            "started by": entry.triggers,
            "limits": entry.limits,
            "next": [f"{entry.next_at:%Y-%m-%d %H:%M} UTC"] if entry.next_at else [],
            "takes": [", ".join(entry.input.get("properties", {}))],
        }
        for label, values in lines.items():
            for value in filter(None, values):
                self.stdout.write(f"  {label + ': ' if label else ''}{value}")
