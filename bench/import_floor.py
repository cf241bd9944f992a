"""The floor under an import: what its parts cost bare, one after the other, in one process.

`python -m bench.import_floor FILE` takes the contact file and prints JSON, in seconds:

- `read`: the csv module over the whole file, hashed;
- `validate`: email-validator and phonenumbers on every value of the columns that need them;
- `copy`: the valid rows by COPY into a temporary table, and from there into the product's contacts by one
  INSERT … ON CONFLICT (on SQLite: executemany, committed every 2,000 rows).

It uses the product's table, with all its indexes and constraints, and none of its code; what it wrote it deletes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

django.setup()

import phonenumbers  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from email_validator import EmailNotValidError, validate_email  # noqa: E402

EMAIL, FIRST, LAST, PHONE = 0, 1, 2, 4
REGION = "ZA"
CHUNK = 2_000
COLUMNS = (
    "id, email, email_hash, phone_hash, first_name, last_name, time_zone, locale, attributes, "
    "created_at, updated_at"
)
CHANGES = "first_name = excluded.first_name, last_name = excluded.last_name, attributes = excluded.attributes"


def measure(path: Path) -> dict[str, float]:
    rows: list[list[str]] = []
    people: dict[str, list[str]] = {}
    read = seconds(lambda: rows.extend(read_rows(path)))
    validate = seconds(lambda: people.update(valid_rows(rows)))
    copy = seconds(lambda: write(people))
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM messaging_contact WHERE locale = 'floor'")
    return {"read": read, "validate": validate, "copy": copy}


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def read_rows(path: Path) -> list[list[str]]:
    hashlib.sha256(path.read_bytes()).hexdigest()
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        next(reader)
        return list(reader)


def valid_rows(rows: list[list[str]]) -> dict[str, list[str]]:
    """Return the rows with an address, the last of each address; every number is looked at too."""
    people = {}
    for row in rows:
        if len(row) > PHONE:
            is_number(row[PHONE])
        try:
            checked = validate_email(
                row[EMAIL].strip().lower(), check_deliverability=False, allow_smtputf8=False
            )
        except EmailNotValidError:
            continue
        people[checked.ascii_email or checked.normalized] = row
    return people


def is_number(text: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, REGION))
    except phonenumbers.NumberParseException:
        return False


def write(people: dict[str, list[str]]) -> None:
    records = [record(email, row) for email, row in people.items()]
    if connection.vendor == "postgresql":
        copy(records)
    else:
        execute_many(records)


def record(email: str, row: list[str]) -> tuple[Any, ...]:
    attributes = json.dumps(dict(enumerate(row[LAST + 1 :])))
    digest = hashlib.sha256(email.encode()).hexdigest()
    key = str(uuid.uuid4()) if connection.vendor == "postgresql" else uuid.uuid4().hex
    moment = "2026-08-01 00:00:00+00"
    return key, email, digest, "", row[FIRST], row[LAST], "", "floor", attributes, moment, moment


def copy(records: list[tuple[Any, ...]]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE floor ON COMMIT DROP AS SELECT * FROM messaging_contact LIMIT 0"
        )
        with cursor.copy(f"COPY floor ({COLUMNS}) FROM STDIN") as target:
            for one in records:
                target.write_row(one)
        cursor.execute(
            f"INSERT INTO messaging_contact ({COLUMNS}) SELECT {COLUMNS} FROM floor"
            f" ON CONFLICT (email) DO UPDATE SET {CHANGES}"
        )


def execute_many(records: list[tuple[Any, ...]]) -> None:
    marks = ", ".join(["%s"] * len(records[0]))
    for start in range(0, len(records), CHUNK):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO messaging_contact ({COLUMNS}) VALUES ({marks})"
                f" ON CONFLICT (email) DO UPDATE SET {CHANGES}",
                records[start : start + CHUNK],
            )


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
