"""`manage.py workflows`: what workflows there are, what starts them, what holds them back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from jobs.catalogue import Entry, entries


class Command(BaseCommand):
    help = "List the workflows with their triggers, limits, next slot and input."

    def handle(self, *args: Any, **options: Any) -> None:
        for entry in entries():
            self._show(entry)

    def _show(self, entry: Entry) -> None:
        version = f" (version {entry.version})" if entry.version > 1 else ""
        self.stdout.write(self.style.MIGRATE_HEADING(entry.name) + version)
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
