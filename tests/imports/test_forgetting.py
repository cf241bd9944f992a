"""Copies of people are deleted some days after an import's end; from then on undo and another try say why not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from core import clock
from core.errors import Conflict
from core.models import AuditEntry
from imports import forgetting
from imports.actions import resume_batch, retry_failed, undo_batch
from imports.models import CsvBatch, CsvRow
from imports.states import BatchStatus
from imports.storage import Incoming, folder
from jobs.models import Run
from jobs.starting import start_run
from jobs.testing import run_until_idle
from messaging.actions.people import create_contact
from messaging.models import Contact

pytestmark = pytest.mark.django_db

FILE = "email,first name,town\na@example.com,Anne,Ulm\nb@example.com,Bea,Bonn\nnobody,X,Bern\n"


@pytest.fixture
def ended(imported) -> CsvBatch:
    """An import with a row created, a row updated and one that failed."""
    create_contact(email="a@example.com", first_name="Anna", actor="system")
    batch: CsvBatch = imported(FILE)
    return batch


def forget(*, days: float) -> None:
    """Let the daily chore run so many days later."""
    for path in folder().rglob("*"):
        os.utime(path, (time.time() - 86_400, time.time() - 86_400))
    with clock.travel(by=timedelta(days=days)):
        start_run("imports.forget_old")
        run_until_idle()
    assert not Run.objects.filter(error__isnull=False).exists()


def files() -> list[str]:
    return sorted(path.name for path in folder().iterdir())


def said_of_people(batch: CsvBatch) -> str:
    rows = list(CsvRow.objects.filter(batch=batch).values_list())
    return repr([rows, list(CsvBatch.objects.filter(pk=batch.pk).values_list())])


def test_until_then_everything_is_kept(ended: CsvBatch) -> None:
    forget(days=89)

    ended.refresh_from_db()
    assert (ended.forgotten_at, len(files())) == (None, 2)
    assert "Anna" in said_of_people(ended)


def test_after_its_days_files_rows_and_what_stood_before_are_deleted(ended: CsvBatch) -> None:
    forget(days=91)

    ended.refresh_from_db()
    assert ended.forgotten_at is not None
    assert files() == []
    told = said_of_people(ended)
    for word in ("Anna", "Anne", "Bea", "Bonn", "nobody"):
        assert word not in told
    assert (ended.total, ended.created, ended.updated, ended.failed) == (3, 1, 1, 1)
    rows = ended.rows.order_by("number").values_list("line", "status", "effect", "error_code")
    assert list(rows) == [
        (2, "succeeded", "updated", ""),
        (3, "succeeded", "created", ""),
        (4, "failed", "", "invalid_email"),
    ]
    assert Contact.objects.count() == 2


def test_the_days_are_a_setting(ended: CsvBatch, settings: Any) -> None:
    settings.IMPORT_COPY_DAYS = 7

    forget(days=8)

    assert CsvBatch.objects.get().forgotten_at is not None


@pytest.mark.parametrize("act", [undo_batch, retry_failed])
def test_what_needs_the_copies_says_plainly_that_they_are_gone(act: Any, ended: CsvBatch) -> None:
    forget(days=91)
    ended.refresh_from_db()

    with pytest.raises(Conflict, match="it cannot be undone or tried again") as refused:
        act(ended, actor="staff:alice")

    assert refused.value.code == "copies_deleted"
    assert CsvBatch.objects.get().status == BatchStatus.COMPLETED
    assert Contact.objects.count() == 2


def test_a_failed_one_is_not_resumed_without_its_rows(ended: CsvBatch) -> None:
    CsvBatch.objects.update(status=BatchStatus.FAILED)
    forget(days=91)

    with pytest.raises(Conflict, match="were deleted on"):
        resume_batch(ended, actor="staff:alice")


def test_every_door_says_so(
    ended: CsvBatch, alice: User, client_of: Callable[..., Client], api: Callable[..., Any]
) -> None:
    forget(days=91)
    browser, robot = client_of(alice), api("imports:read", "imports:run", "imports:undo")
    page = reverse("admin:imports_csvbatch_change", args=[ended.pk])
    place = f"/api/v1/imports/{ended.public_id}"

    shown = browser.get(page).content.decode()
    download = browser.get(reverse("admin:imports_csvbatch_errors", args=[ended.pk]), follow=True)

    assert "Its copies of people were deleted on" in shown
    assert "File of errors, to correct" not in shown
    assert download.redirect_chain[0][0] == page
    assert b"has no file of errors" in download.content
    for answer in (
        robot.post(f"{place}/undo"),
        robot.post(f"{place}/retry-failed"),
        robot.get(f"{place}/error-file"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "copies_deleted")
    assert robot.get(place).json()["forgotten_at"] is not None


def test_one_under_way_or_paused_keeps_everything(ended: CsvBatch) -> None:
    for status in (BatchStatus.PAUSED, BatchStatus.IMPORTING, BatchStatus.UNDOING):
        CsvBatch.objects.update(status=status)
        forget(days=400)

    assert CsvBatch.objects.get().forgotten_at is None
    assert len(files()) == 2


def test_one_that_nobody_came_back_to_is_cancelled_and_forgotten(imported) -> None:
    batch = imported(FILE, go="wait")
    forget(days=89)
    assert CsvBatch.objects.get().status == BatchStatus.MAPPING

    forget(days=91)
    assert CsvBatch.objects.get().status == BatchStatus.CANCELLED
    entry = AuditEntry.objects.about(batch).first()
    assert (entry.verb, entry.actor) == ("import.cancelled", "system")

    forget(days=182)
    assert CsvBatch.objects.get().forgotten_at is not None
    assert files() == []


def test_a_file_that_another_import_needs_stays(ended: CsvBatch, imported) -> None:
    with clock.travel(by=timedelta(days=50)):
        second = imported(FILE)

    forget(days=91)

    ended.refresh_from_db()
    second.refresh_from_db()
    assert (ended.forgotten_at is None, second.forgotten_at) == (False, None)
    assert files() == sorted([ended.file.sha256, second.public_id])
    forget(days=142)
    assert files() == []


def test_the_same_file_can_be_imported_again_afterwards(ended: CsvBatch, imported) -> None:
    forget(days=91)

    again = imported(FILE)

    assert (again.status, again.file) == (BatchStatus.COMPLETED, ended.file)
    assert (again.unchanged, again.failed) == (2, 1)


def test_a_forgetting_that_was_cut_off_is_done_to_its_end(
    ended: CsvBatch, monkeypatch: Any
) -> None:
    class Died(BaseException):
        """The worker's end."""

    def die(batch: CsvBatch) -> Any:
        raise Died

    with monkeypatch.context() as patched, clock.travel(by=timedelta(days=91)):
        patched.setattr(forgetting, "in_chunks", die)
        with pytest.raises(Died):
            forgetting.forget_copies(ended, renew=lambda: None)
    assert "Anna" in said_of_people(ended)
    with pytest.raises(Conflict, match="were deleted"):
        undo_batch(ended, actor="staff:alice")

    forget(days=92)

    assert "Anna" not in said_of_people(ended)


def test_what_belongs_to_no_import_is_swept_away_but_nothing_fresh(ended: CsvBatch) -> None:
    (folder() / "imp_gone").mkdir()
    (folder() / "imp_gone" / "rows.jsonl").write_text("[]")
    (folder() / "new-cut-off").write_text("x")
    forget(days=1)
    arriving = Incoming()
    arriving.write(b"email")

    assert len(files()) == 3
    forgetting.sweep()
    assert len(files()) == 3
    arriving.discard()
    assert len(files()) == 2
