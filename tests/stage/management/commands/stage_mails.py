"""`stage_mails COUNT`: print so many messages that were sent, as JSON."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from messaging.models import Message


class Command(BaseCommand):
    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("count", type=int)

    def handle(self, *args: Any, **options: Any) -> None:
        sent = Message.objects.filter(status="sent").order_by("id")[: options["count"]]
        mails = [
            {"number": each.pk, "public_id": each.public_id, "address": each.address}
            for each in sent
        ]
        self.stdout.write(json.dumps(mails))
