"""`import_contacts` starts the run, and says what came of it."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from imports.models import CsvBatch
from imports.reports import first_issues
from imports.terminal import summary
from jobs import watching
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.models import Contact, ContactList, ListMember


def command(*args: object) -> str:
    out = StringIO()
    call_command("import_contacts", *map(str, args), stdout=out)
    return out.getvalue()


def test_the_run_is_started_with_what_was_said(db, csv_file) -> None:
    path = csv_file("email,phone\na@example.com,020 7946 0078\n")

    out = command(
        path,
        *("--list", "News", "--default-region", "GB"),
        *("--consent-source", "fair", "--consent-wording", "Yes"),
    )
    run_until_idle()

    batch = CsvBatch.objects.get()
    assert out == f"Importing people.csv as {batch.public_id}.\n"
    assert batch.actor.startswith("command:")
    assert batch.options["consent_source"] == "fair"
    assert batch.options["consent_wording"] == "Yes"
    assert Contact.objects.get().phone == "+442079460078"
    assert ListMember.objects.get().list.name == "News"


def test_the_summary_adds_up(imported) -> None:
    batch = imported("email,phone\na@example.com,12\nb\n")

    assert summary(batch) == (
        "2 rows: 1 created, 0 updated, 0 unchanged, 0 skipped, 1 failed. 1 with values left out."
    )
    assert [row.line for row in first_issues(batch)] == [3, 2]


@pytest.mark.parametrize(
    ("content", "words"), [("", "is empty"), ("name\nThabo\n", "No column holds the e-mail")]
)
def test_a_file_without_contacts_is_refused_and_nothing_changes(
    db, csv_file, content, words
) -> None:
    with pytest.raises(CommandError, match=words):
        command(csv_file(content), "--list", "News")

    assert Run.objects.count() == 0
    assert ContactList.objects.count() == 0


def test_a_file_that_is_not_there_is_refused(db, tmp_path) -> None:
    with pytest.raises(CommandError, match="There is no file .*nowhere.csv"):
        command(tmp_path / "nowhere.csv")


def test_waiting_without_a_worker_says_so_and_goes_on_when_one_comes(
    db, csv_file, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(watching, "PATIENCE_SECONDS", -1)
    sleeps = iter([lambda: None, run_until_idle])
    monkeypatch.setattr(watching, "sleep", lambda _: next(sleeps)())

    out = command(csv_file("email\na@example.com\n"), "--wait")

    assert capsys.readouterr().err.count("No worker is running") == 1
    assert out.endswith("1 rows: 1 created, 0 updated, 0 unchanged, 0 skipped, 0 failed.\n")
