"""Many rows at once, by the same rules on both databases."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from core.bulk import JsonText, insert_missing_rows, insert_rows, update_rows
from core.models import ApiKey, AuditEntry
from messaging.models import Contact, ContactList

AT = datetime(2026, 8, 1, 12, 30, 15, 123456, tzinfo=UTC)
COLUMNS = ("at", "actor", "verb", "object_type", "object_id", "detail")


def test_what_is_written_is_what_is_read(db) -> None:
    odd = 'tab\t, line\n, back\\slash, \\N, quote", ʤ'
    detail = {"null": None, "text": odd, "list": [1, 2.5, True]}

    insert_rows(AuditEntry, COLUMNS, [(AT, odd, "v", "", "o", detail), (AT, "b", "w", "", "", {})])

    first, second = AuditEntry.objects.order_by("pk")
    assert (first.at, first.actor, first.object_type, first.detail) == (AT, odd, "", detail)
    assert (second.actor, second.detail) == ("b", {})


def test_one_row_that_may_not_stand_keeps_all_out(db) -> None:
    lists = [(uuid.uuid4(), name, AT) for name in ("One", "Two", "one")]

    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(ContactList, ("id", "name", "created_at"), lists)

    assert ContactList.objects.count() == 0


def test_rows_that_stand_already_are_left_out(db) -> None:
    lists = [(uuid.uuid4(), name, AT) for name in ("One", "Two", "one")]
    for _ in range(2):
        insert_missing_rows(ContactList, ("id", "name", "created_at"), lists)

    assert sorted(ContactList.objects.values_list("name", flat=True)) == ["One", "Two"]


def test_columns_are_set_by_key_and_others_stay(db) -> None:
    people = [Contact.objects.create(first_name=str(n), last_name="L") for n in range(3)]

    with transaction.atomic():
        for name in ("x", "y"):  # twice in one transaction
            rows = [(each.pk, name, {"was": each.first_name}) for each in people[:2]]
            update_rows(Contact, ("id", "first_name", "attributes"), rows)

    found = Contact.objects.order_by("pk").values_list("first_name", "last_name", "attributes")
    assert list(found) == [("y", "L", {"was": "0"}), ("y", "L", {"was": "1"}), ("2", "L", {})]


def test_no_rows_are_no_trouble(db) -> None:
    insert_rows(AuditEntry, COLUMNS, [])
    update_rows(ApiKey, ("id", "name"), [])

    assert AuditEntry.objects.count() == 0


def test_json_that_is_written_already_is_written_as_it_is(db) -> None:
    text = JsonText('{"b":1,"a":["é"]}')

    insert_rows(AuditEntry, COLUMNS, [(AT, "a", "v", "", "o", text)])
    [entry] = AuditEntry.objects.all()
    with transaction.atomic():
        update_rows(AuditEntry, ("id", "detail"), [(entry.pk, JsonText("[2]"))])

    assert entry.detail == {"a": ["é"], "b": 1}
    entry.refresh_from_db()
    assert entry.detail == [2]
