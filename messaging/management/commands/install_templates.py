"""`manage.py install_templates`: bring in the templates that come with the house."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand

from core.audit import command_actor
from messaging.actions.installing import install_templates


class Command(BaseCommand):
    help = "Install the shipped templates, or bring them up to date. What staff changed is kept."

    def handle(self, *args: Any, **options: Any) -> None:
        done = install_templates(actor=command_actor())
        for each in done:
            self.stdout.write(f"{each.name}: {each.outcome}, {each.why}")
        counts = Counter(each.outcome for each in done)
        self.stdout.write(", ".join(f"{count} {outcome}" for outcome, count in counts.items()))
