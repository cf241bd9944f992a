"""`manage.py install_sources`: bring in the sources of notices that come with the house."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from core.audit import command_actor
from tenders.actions.installing import install_sources


class Command(BaseCommand):
    help = "Install the shipped sources of tenders, or bring them up to date. What staff changed is kept."

    def handle(self, *args: Any, **options: Any) -> None:
        done = install_sources(actor=command_actor())
        for each in done:
            self.stdout.write(f"{each.key}: {each.outcome}" + (f", {each.why}" if each.why else ""))
        counts = Counter(each.outcome for each in done)
        self.stdout.write(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
