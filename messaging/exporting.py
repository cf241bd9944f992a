"""The ledger as CSV, row by row: any length in little memory, and safe to open in a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import QuerySet

from core import downloads
from core.ids import encode
from messaging.life import MOMENTS
from messaging.models import Message

CHUNK = 2_000
#: Columns by the field they are read from.
COLUMNS = {
    "id": "pk",
    "stream": "stream__title",
    "sender": "stream__sender__name",
    "channel": "stream__sender__channel",
    "template": "stream__template_version__template__name",
    "address": "address",
    "status": "status",
    "reason": "reason",
    "detail": "detail",
    "provider_id": "provider_id",
    "delivery": "delivery",
    "trouble": "trouble",
    "created_at": "created_at",
    "not_before": "not_before",
    "settled_at": "settled_at",
    **{f"{stage.value}_at": f"{stage.value}_at" for stage in MOMENTS},
}


def csv_lines(messages: QuerySet[Message]) -> Iterator[str]:
    """Yield the lines of a CSV file with these messages."""
    rows = messages.values_list(*COLUMNS.values()).iterator(chunk_size=CHUNK)
    named = ((encode(Message.id_prefix, key), *rest) for key, *rest in rows)
    return downloads.csv_lines(COLUMNS, named)
