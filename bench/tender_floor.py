"""The floor under a sync: what its parts cost bare, one after the other, in one process.

`python -m bench.tender_floor COUNT` prints JSON, in seconds:

- `merge`: ocdsmerge over every process, with the rules in memory;
- `releases`: COPY of the releases; `tenders`: COPY of the compiled ones (on SQLite: executemany).

It uses the product's tables, with all their indexes and constraints, and none of its code on the way; what it wrote
it deletes.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
import uuid
import warnings
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from ocdsmerge.merge import Merger  # noqa: E402

from bench.tender_board import multiplied  # noqa: E402
from core import clock  # noqa: E402
from jobs.cluster import be_polite  # noqa: E402
from tenders.actions import create_source  # noqa: E402
from tenders.actions.installing import shipped_sources  # noqa: E402
from tenders.merging import rules  # noqa: E402
from tenders.models import TenderSource  # noqa: E402

CHUNK = 500
MOMENT = "2025-03-01 00:00:00+00"


def measure(count: int) -> dict[str, float]:
    [row] = [row for row in shipped_sources() if row["key"] == "uk_find_a_tender"]
    source = create_source(actor="bench", start=clock.now(), **{**row, "key": "floor"})
    releases = list(multiplied(count))
    merged: list[dict[str, Any]] = []
    figures = {
        "merge": seconds(lambda: merged.extend(merge(releases))),
        "releases": seconds(lambda: copy_releases(source, releases)),
        "tenders": seconds(lambda: copy_tenders(source, merged)),
    }
    TenderSource.objects.filter(pk=source.pk).delete()
    return figures


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def merge(releases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_ocid: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for release in releases:
        by_ocid[release["ocid"]].append(release)
    merger = Merger(merge_rules=rules())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [merger.create_compiled_release(each) for each in by_ocid.values()]


def copy_releases(source: TenderSource, releases: list[dict[str, Any]]) -> None:
    columns = (
        "source_id, ocid, release_id, released_at, tags, digest, data, first_seen_at, revised_at"
    )
    rows = []
    for release in releases:
        text = json.dumps(release)
        digest = hashlib.sha256(text.encode()).hexdigest()
        rows.append(
            (key(source.pk), release["ocid"], release["id"], release["date"], "", digest, text)
            + (MOMENT, MOMENT)
        )
    write("tenders_ocdsrelease", columns, rows)


def copy_tenders(source: TenderSource, merged: list[dict[str, Any]]) -> None:
    columns = (
        "id, source_id, ocid, compiled, digest, release_count, number, title, description, buyer, status, phase,"
        " method, category, detailed_category, region, currency, codes, document_count, published_at, words,"
        " enrichment, enrich_attempts, first_seen_at, changed_at"
    )
    rows = []
    for compiled in merged:
        tender = compiled.get("tender", {})
        title, about = str(tender.get("title", ""))[:500], str(tender.get("description", ""))
        buyer = str(compiled.get("buyer", {}).get("name", ""))[:300]
        rows.append(
            (
                key(uuid.uuid4()),
                key(source.pk),
                compiled["ocid"],
                json.dumps(compiled),
                "0" * 64,
                1,
                "",
            )
            + (title, about, buyer, "active", "tender", "open", "works", "", "", "GBP", "[]", 0)
            + (compiled["date"], f"{title} {buyer} {about}"[:12_000], "disabled", 0, MOMENT, MOMENT)
        )
    write("tenders_tender", columns, rows)


def key(value: uuid.UUID) -> str:
    return str(value) if connection.vendor == "postgresql" else value.hex


def write(table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
    marks = ", ".join(["%s"] * len(rows[0]))
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as target:
                    for row in chunk:
                        target.write_row(row)
            else:
                cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", chunk)


if __name__ == "__main__":
    be_polite()  # as a worker is: both get the same share of a busy machine
    print(json.dumps(measure(int(sys.argv[1]))))
