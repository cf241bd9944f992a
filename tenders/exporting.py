"""Tenders for other programs: CSV that no spreadsheet computes, and one OCDS release package of compiled releases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from core import clock, downloads
from core.ids import encode
from tenders.models import Tender, TenderSource
from tenders.moments import Moment

CHUNK = 500
COLUMNS = {
    "id": "pk",
    "ocid": "ocid",
    "source": "source__key",
    "number": "number",
    "title": "title",
    "buyer": "buyer",
    "phase": "phase",
    "status": "status",
    "category": "category",
    "detailed_category": "detailed_category",
    "cpv": "codes",
    "region": "region",
    "value": "value",
    "currency": "currency",
    "published_at": "published_at",
    "closes_at": "closes_at",
    "documents": "document_count",
    "licence": "source__licence",
}


def csv_lines(tenders: QuerySet[Tender]) -> Iterator[str]:
    """Yield the lines of a CSV file with these tenders."""
    rows = tenders.order_by("-pk").values_list(*COLUMNS.values()).iterator(chunk_size=CHUNK)
    return downloads.csv_lines(COLUMNS, map(_cells, rows))


def _cells(row: Sequence[Any]) -> list[Any]:
    key, *rest = row
    joined = (" ".join(cell) if isinstance(cell, list) else cell for cell in rest)
    return [encode(Tender.id_prefix, key), *joined]


def package_parts(tenders: QuerySet[Tender]) -> Iterator[str]:
    """Yield an OCDS 1.1 release package of compiled releases, piece by piece."""
    sources = TenderSource.objects.exclude(licence="", attribution="").order_by("key")
    head = {
        "uri": f"{settings.PUBLIC_URL}/api/v1/tenders/export",
        "version": "1.1",
        "publishedDate": Moment(clock.now().replace(microsecond=0)).text(),
        "publisher": {"name": "Longhaul"},
        # The standard's own `license` takes one address; here are several sources, each with its own words.
        "licences": list(sources.values("key", "name", "licence", "attribution")),
    }
    yield json.dumps(head, ensure_ascii=False)[:-1] + ', "releases": ['
    comma = ""
    rows = tenders.order_by("-pk").values_list("compiled", flat=True)
    for compiled in rows.iterator(chunk_size=CHUNK):
        yield comma + json.dumps(compiled, ensure_ascii=False)
        comma = ","
    yield "]}"
