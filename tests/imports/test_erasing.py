"""An erased person is in no copy of an import any more: not in its file, its rows, its page; the others all are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import Refused
from imports import bulk, workflows
from imports.actions import overrule, retry_failed, start_batch, undo_batch
from imports.models import CsvBatch, CsvRow, SavedMapping
from imports.reports import error_file
from imports.staging import rows_path
from imports.states import BatchStatus
from imports.storage import folder
from jobs.models import Run
from jobs.testing import run_one, run_until_idle
from messaging.actions.erasing import erase_contact
from messaging.actions.people import create_contact
from messaging.dossier import export_contact
from messaging.models import Contact

pytestmark = pytest.mark.django_db

THANDI = "thandi@example.com"
FILE = (
    "email,phone,first name,town\n"
    "anna@example.com,,Anna,Ulm\n"
    "Thandi@Example.com,+27 82 555 0134,Thandi,Durban\n"
    "chris@example.com,12,Chris,Bonn\n"
)


def thandi() -> Contact:
    return Contact.objects.get(email=THANDI)


def erase(contact: Contact) -> None:
    erase_contact(contact, actor="staff:alice")
    run_until_idle(advance=True)
    assert not Run.objects.filter(error__isnull=False).exists()


def everything(var_dir: Path) -> str:
    """Return all that imports keep of anybody, as text."""
    tables = (CsvBatch, CsvRow, SavedMapping, Run)
    stored = [list(table.objects.values_list()) for table in tables]
    files = [
        path.read_bytes() for path in sorted((var_dir / "imports").rglob("*")) if path.is_file()
    ]
    return (repr(stored) + repr(files)).lower()


def test_the_export_tells_which_rows_of_which_files_were_about_a_person(imported) -> None:
    first = imported(FILE)
    second = imported(FILE.replace("Durban", "Pretoria"))

    told = export_contact(thandi(), actor="staff:alice")["imports"]

    assert [(each["file"], each["line"], each["effect"]) for each in told] == [
        ("people.csv", 3, "created"),
        ("people.csv", 3, "updated"),
    ]
    assert told[1]["cells"][3] == {"heading": "town", "cell": "Pretoria"}
    assert told[1]["before"] == {"attribute:town": "Durban"}
    assert told[0]["imported_at"] == first.started_at
    assert "chris" not in repr(told)
    assert second.updated == 1


def test_nothing_of_an_erased_person_is_left_in_any_copy(imported, var_dir: Path) -> None:
    batches = [
        imported(FILE),
        imported(FILE.replace("Durban", "Pretoria")),
        imported(FILE, go="check"),
    ]
    before = everything(var_dir)

    erase(thandi())

    after = everything(var_dir)
    for word in ("thandi", "82 555 0134", "durban", "pretoria"):
        assert word in before
        assert word not in after
    assert "anna@example.com" in after
    assert [CsvBatch.objects.get(pk=each.pk).total for each in batches] == [3, 3, 3]
    assert Run.objects.get(workflow="imports.forget_person").output == 3


def test_the_others_are_found_at_their_places_and_can_be_tried_again_and_taken_back(
    imported,
) -> None:
    text = FILE + "nobody,,No,Where\n"
    batch = imported(text, bad_values="reject")
    assert (batch.created, batch.failed) == (2, 2)

    erase(thandi())

    batch.refresh_from_db()
    lines = list(error_file(batch))[1:]
    assert [line.split(",")[0] for line in lines] == ["chris@example.com", "nobody"]
    retry_failed(batch, actor="staff:alice")
    undo_batch(batch, actor="staff:alice")
    run_until_idle()
    batch.refresh_from_db()
    assert (batch.status, batch.undone, batch.not_undone) == (BatchStatus.UNDONE, 1, 1)
    assert list(Contact.objects.values_list("email", flat=True)) == [None]


def test_a_person_is_found_by_number_and_inside_of_texts(imported, var_dir: Path) -> None:
    create_contact(phone="+27825550134", actor="system")
    imported("email,note\na@example.com,082 555 0134\n")
    imported('email,note\nb@example.com,"ask Thandi <THANDI@example.com> first"\n')
    erased = Contact.objects.get(phone="+27825550134")
    create_contact(email=THANDI, actor="system")

    erase(erased)
    assert "082 555 0134" not in everything(var_dir)
    erase(thandi())

    assert THANDI not in everything(var_dir)


def test_one_that_waits_for_a_person_loses_the_row_and_its_file(imported) -> None:
    create_contact(email=THANDI, actor="system")
    batch = imported(FILE, go="check")

    erase(thandi())

    batch.refresh_from_db()
    assert [line for line, *_ in batch.sample] == [2, 4]
    assert not (folder() / batch.file.sha256).exists()
    start_batch(batch, actor="staff:alice")
    run_until_idle()
    batch.refresh_from_db()
    assert (batch.created, batch.failed) == (2, 1)
    assert batch.rows.get(status="failed").error_code == "no_email"


def test_a_file_that_would_be_read_anew_is_not_there_any_more(imported) -> None:
    create_contact(email=THANDI, actor="system")
    batch = imported(FILE, go="wait")
    erase(thandi())

    overrule(batch, actor="staff:alice", delimiter=";")
    run_until_idle()

    batch.refresh_from_db()
    assert (batch.status, batch.problem["code"]) == (BatchStatus.FAILED, "file_gone")


def test_an_import_under_way_is_waited_for(imported, created, monkeypatch, var_dir: Path) -> None:
    monkeypatch.setattr(bulk, "CHUNK_ROWS", 1)
    monkeypatch.setattr(workflows, "TURN_SECONDS", 0.0)
    imported(FILE)
    batch = created(FILE.replace("Durban", "Pretoria"), go="import")
    while CsvBatch.objects.get(pk=batch.pk).status != BatchStatus.IMPORTING:
        run_one()

    erase_contact(thandi(), actor="staff:alice")
    run_until_idle()
    assert Run.objects.get(workflow="imports.forget_person").status == "waiting"
    assert "pretoria" in everything(var_dir)

    run_until_idle(advance=True)
    assert Run.objects.get(workflow="imports.forget_person").output == 2
    assert "pretoria" not in everything(var_dir)


def test_a_file_that_could_never_be_read_goes_as_nobody_can_tell_whom_it_holds(imported) -> None:
    create_contact(email=THANDI, actor="system")
    with pytest.raises(Refused):
        imported(f"name\n{THANDI}\n")
    batch = imported(f"name\n{THANDI}\n", inspect=False)
    assert batch.status == BatchStatus.FAILED

    erase(thandi())

    assert list(folder().glob("*")) == []


def test_the_run_knows_them_by_hashes_alone(imported) -> None:
    imported(FILE)
    contact = thandi()
    hashes = [contact.email_hash, contact.phone_hash]

    erase(contact)

    given: dict[str, Any] = Run.objects.get(workflow="imports.forget_person").input
    assert given == {"contact": contact.public_id, "hashes": hashes}


def test_a_row_that_is_blanked_twice_stays_as_long(imported) -> None:
    batch = imported(FILE)
    size = rows_path(batch).stat().st_size

    erase(thandi())

    lines = rows_path(batch).read_text().splitlines()
    assert rows_path(batch).stat().st_size == size
    assert [json.loads(line)[0] for line in lines] == [2, 3, 4]
    assert json.loads(lines[1])[1] == ["", "", "", ""]
