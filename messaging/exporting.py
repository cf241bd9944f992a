"""The ledger as CSV, row by row: any length in little memory, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from core.ids import encode
from messaging.life import MOMENTS
from messaging.models import Message

#: What a spreadsheet would take for a formula, at the start of a cell (OWASP, CSV Injection).
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
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


class Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(messages: QuerySet[Message]) -> Iterator[str]:
    """Yield the lines of a CSV file with these messages; none of its cells can be a formula."""
    writer: Any = csv.writer(Echo())
    # A byte order mark, without which Excel takes the file for Latin-1.
    yield "\ufeff" + writer.writerow(COLUMNS)
    for row in messages.values_list(*COLUMNS.values()).iterator(chunk_size=CHUNK):
        yield writer.writerow(safe_row(row))


def safe_row(values: Iterable[Any]) -> list[str]:
    """Return a row's cells; its first value is the message's key."""
    key, *rest = values
    return [encode(Message.id_prefix, key), *(safe_cell(value) for value in rest)]


def safe_cell(value: Any) -> str:
    """Return a value as text that no spreadsheet computes: an apostrophe stands before what looks like a formula."""
    if value is None:
        return ""
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) else text
