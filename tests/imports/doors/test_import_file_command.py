"""`import_file` takes a file the whole way, and says what came of it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from imports.models import CsvBatch
from imports.terminal import issues_of, summary
from jobs.testing import run_until_idle
from messaging.models import Contact, Suppression

pytestmark = pytest.mark.django_db


def command(path: Path, *args: str, target: str = "contacts") -> str:
    out = StringIO()
    call_command("import_file", str(path), "--target", target, *args, stdout=out)
    return out.getvalue()


def done() -> CsvBatch:
    run_until_idle()
    return CsvBatch.objects.get()


def test_a_file_is_imported_as_it_was_said(csv_file) -> None:
    path = csv_file("who;mail;mail\nAnna;a@example.com;x\n")

    out = command(
        path,
        *("--map", "#2=email", "--map", "who=first_name", "--map", "#3="),
        *("--set", "list_name=News", "--set", "consent_source=fair"),
        *("--set", "consent_channels=email,sms", "--bad-values", "reject"),
    )

    batch = done()
    assert out == f"Importing people.csv as {batch.public_id}.\n"
    assert batch.actor.startswith("command:")
    assert [column["field"] for column in batch.columns] == ["first_name", "email", ""]
    assert batch.options["consent_channels"] == ["email", "sms"]
    assert (batch.status, batch.created, batch.bad_values) == ("completed", 1, "reject")
    assert Contact.objects.get().first_name == "Anna"


def test_a_dry_run_changes_nothing_and_tells_what_would_be(csv_file) -> None:
    out = command(csv_file("email\na@example.com\nnobody\n"), "--dry-run")

    batch = done()
    assert out.startswith("Checking people.csv")
    assert summary(batch) == (
        "2 rows would be: 1 created, 0 updated, 0 unchanged, 0 skipped, 1 rejected."
    )
    assert issues_of(batch)[0].startswith("line 3: 'nobody' is not an e-mail address")
    assert Contact.objects.count() == 0


def test_other_things_are_imported_by_the_same_command(csv_file) -> None:
    command(csv_file("email\na@example.com\n"), target="suppressions")

    assert done().created == 1
    assert Suppression.objects.count() == 1


def test_a_tab_may_be_written_as_people_type_it(csv_file) -> None:
    command(csv_file("email\tname\na@example.com\tAnna\n"), "--delimiter", "\\t")

    assert done().layout["delimiter"] == "\t"


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ("--map", "Mail=email"),
            "No column is headed 'Mail'. The headings are: email, name, name.",
        ),
        (
            ("--map", "name=first_name"),
            "2 columns are headed 'name'. Say which by its place: #2 or #3.",
        ),
        (("--map", "#9=email"), "There is no column #9. The file has 3 columns."),
        (("--map", "email"), "'email' says nothing. Write NAME=VALUE."),
        (("--map", "email=shoe_size"), "cannot become 'shoe_size'"),
        (("--set", "shoe_size=45"), "have no option 'shoe_size'"),
        (("--sheet", "Data", "--header-line", "99"), "No row begins on line 99."),
        (("--encoding", "klingon"), "'klingon' is no encoding of text."),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_started(csv_file, args, words) -> None:
    path = csv_file("email,name,name\na@example.com,Anna,Nkosi\n")

    with pytest.raises(CommandError) as refusal:
        command(path, *args)

    assert words in str(refusal.value)
    assert CsvBatch.objects.count() == 0


@pytest.mark.parametrize(
    ("target", "name", "words"),
    [
        ("planets", "people.csv", "Rows cannot become 'planets'."),
        ("contacts", "nowhere.csv", "There is no file"),
    ],
)
def test_an_unknown_target_or_file_is_refused(csv_file, target, name, words) -> None:
    path = csv_file("email\na@example.com\n")

    with pytest.raises(CommandError, match=words):
        command(path.with_name(name), target=target)


def worked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the runs driven while the command looks."""
    monkeypatch.setattr("jobs.watching.sleep", lambda _: run_until_idle())


def test_waiting_shows_the_end_and_writes_the_failed_rows(
    csv_file, tmp_path, monkeypatch: Any
) -> None:
    worked(monkeypatch)
    errors = tmp_path / "errors.csv"

    out = command(csv_file("email\na@example.com\nnobody\n"), "--wait", "--errors", str(errors))

    assert "1 failed rows are in" in out
    assert "2 rows: 1 created, 0 updated, 0 unchanged, 0 skipped, 1 failed." in out
    assert errors.read_text(encoding="utf-8-sig").splitlines()[1].startswith("nobody,3,email,")


def test_waiting_for_one_that_fails_ends_with_2(csv_file, monkeypatch: Any) -> None:
    worked(monkeypatch)

    with pytest.raises(CommandError) as failure:
        command(csv_file(b"PK\x03\x04 no workbook at all", name="people.xlsx"), "--wait")

    assert failure.value.returncode == 2
    assert "The workbook cannot be read." in str(failure.value)
