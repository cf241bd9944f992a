"""django-import-export on rows of the same file: a resource as its documentation shows one, with our validators.

`python -m bench.import_peer FILE ROWS` prints JSON: rows per second in its normal mode, which knows the row of an
error as ours does, and in its bulk mode, which does not. As with ours, the clock runs while the file is read; the peer
detects nothing, records no row and goes through the rows once. What it wrote it deletes.
"""

from __future__ import annotations

import csv
import itertools
import json
import sys
import time
from pathlib import Path
from typing import Any

import django

django.setup()

import tablib  # noqa: E402
from import_export import resources  # noqa: E402

from core.errors import Refused  # noqa: E402
from messaging.addresses import address_hash, normalise_email, normalise_phone  # noqa: E402
from messaging.models import Contact  # noqa: E402

EMAIL, FIRST, LAST, PHONE = 0, 1, 2, 4
HEADERS = ("email", "first_name", "last_name", "phone_given", "notes", "locale")


class ContactResource(resources.ModelResource):
    """Contacts, known by their address; a row whose address is none is an error of that row."""

    class Meta:
        model = Contact
        import_id_fields = ("email",)
        fields = ("email", "first_name", "last_name", "email_hash", "attributes", "locale")
        skip_unchanged = True
        report_skipped = False
        skip_diff = True
        use_transactions = (
            False  # in one transaction the first bad row would take back all the others
        )

    def before_import_row(self, row: Any, **kwargs: Any) -> None:
        try:
            row["email"] = normalise_email(row["email"])
        except Refused as refusal:
            raise ValueError(str(refusal)) from None
        row["email_hash"] = address_hash(row["email"])
        row["attributes"] = json.dumps({"phone": number(row["phone_given"]), "notes": row["notes"]})


class BulkContactResource(ContactResource):
    """The same in bulk mode."""

    class Meta(ContactResource.Meta):
        use_bulk = True
        batch_size = 1_000
        skip_unchanged = False


def number(text: str) -> str:
    try:
        return normalise_phone(text)
    except Refused:
        return ""


def dataset(path: Path, rows: int, *, each_once: bool) -> tablib.Dataset:
    """Return the first rows. By an address that comes twice bulk mode loses a whole batch: it gets each once."""
    seen: set[str] = set()
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        data = tablib.Dataset(headers=HEADERS)
        for row in itertools.islice(reader, rows):
            address = row[EMAIL].strip().lower()
            if each_once and address in seen:
                continue
            seen.add(address)
            padded = [*row, *[""] * 12]
            data.append(
                [padded[EMAIL], padded[FIRST], padded[LAST], padded[PHONE], padded[11], "peer"]
            )
    return data


def rows_per_second(resource: type[ContactResource], path: Path, rows: int) -> float:
    start = time.perf_counter()
    data = dataset(path, rows, each_once=resource is BulkContactResource)
    resource().import_data(data, dry_run=False, raise_errors=False)
    taken = time.perf_counter() - start
    written = Contact.objects.filter(locale="peer")
    if not written.exists():
        raise SystemExit(f"{resource.__name__} wrote nothing.")
    written.delete()
    return len(data) / taken


def main() -> None:
    path, rows = Path(sys.argv[1]), int(sys.argv[2])
    figures = {
        "row by row": rows_per_second(ContactResource, path, rows),
        "bulk": rows_per_second(BulkContactResource, path, rows),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
