"""`stage_lives`: print what is known of messages after they were sent, as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand

from messaging import lives
from messaging.models import Message, ProviderEvent, Stream, Suppression


class Command(BaseCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        told = Message.objects.filter(pk__in=ProviderEvent.objects.values("message"))
        counts = lives.counts(Stream.objects.all())
        self.stdout.write(
            json.dumps(
                {
                    "lives": {each.pk: life_of(each) for each in told},
                    "events": ProviderEvent.objects.count(),
                    "counts": {stage.value: n for stage, n in counts.items() if n},
                    "suppressions": Suppression.objects.count(),
                }
            )
        )


def life_of(message: Message) -> list[object]:
    life = lives.life_of(message)
    moments = {stage.value: at.isoformat() for stage, at in life.moments.items()}
    return [life.delivery, life.trouble, moments]
