"""An import can be checked, paused, resumed, cancelled, tried again and taken back; its totals are exact throughout."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from django.db import IntegrityError

from core.errors import Conflict, PermanentFailure, Refused
from imports import bulk, contacts, undoing, workflows
from imports.actions import (
    cancel_batch,
    pause_batch,
    resume_batch,
    retry_failed,
    set_mapping,
    start_batch,
    start_check,
    undo_batch,
)
from imports.admin.batches import nothing_written
from imports.models import CsvBatch
from imports.reports import error_file, error_file_name, report
from imports.staging import rows_path
from imports.states import BatchStatus
from jobs.actions import cancel_run
from jobs.models import Run
from jobs.testing import run_one, run_until_idle
from messaging.actions.consent import withdraw_consent
from messaging.actions.people import create_contact, update_contact
from messaging.channels import Channel
from messaging.models import Consent, ConsentEvent, Contact, ListMember, Suppression

ALICE = "staff:alice"
FORTY = "email\n" + "".join(f"p{n}@example.com\n" for n in range(40))


@pytest.fixture
def small_turns(monkeypatch) -> None:
    """Chunks of ten rows, and a turn of the worker for each."""
    monkeypatch.setattr(bulk, "CHUNK_ROWS", 10)
    monkeypatch.setattr(workflows, "TURN_SECONDS", 0.0)


def drive(until: Callable[[], bool]) -> None:
    while not until():
        assert run_one() is not None


def fresh(batch: CsvBatch) -> CsvBatch:
    batch.refresh_from_db()
    rows = Counter(batch.rows.values_list("status", flat=True))
    assert rows.total() == batch.processed <= batch.total
    assert rows["failed"] == batch.failed
    assert rows["succeeded"] == batch.succeeded
    return batch


# --- the dry run ------------------------------------------------------------------------------------------------------


def test_a_dry_run_counts_shows_differences_and_writes_nothing(imported, small_turns) -> None:
    create_contact(email="anna@example.com", first_name="Anna", actor="system")
    create_contact(email="same@example.com", first_name="Same", actor="system")
    text = (
        "email,first name,phone\n"
        "anna@example.com,Anne,\n"
        "same@example.com,Same,\n"
        "new@example.com,New,12\n"
        "new@example.com,Again,\n"
        "nobody,X,\n"
    )

    batch = imported(text, go="check")

    assert batch.status == BatchStatus.READY
    result = batch.check_result
    assert result["diffs"] == [
        {"line": 2, "label": "anna@example.com", "changes": {"first_name": ["Anna", "Anne"]}}
    ]
    assert result["reasons"] == {"invalid_phone": 1, "duplicate": 1, "invalid_email": 1}
    assert [(each["line"], each["code"]) for each in result["issues"]] == [
        (5, "duplicate"),
        (6, "invalid_email"),
        (4, "invalid_phone"),
    ]
    counts = {name: result[name] for name in ("create", "update", "unchanged", "skip", "reject")}
    assert counts == {"create": 1, "update": 1, "unchanged": 1, "skip": 1, "reject": 1}
    assert (Contact.objects.count(), batch.rows.count(), batch.processed) == (2, 0, 0)

    start_batch(batch, actor=ALICE)
    run_until_idle()
    fresh(batch)
    assert (batch.created, batch.updated, batch.unchanged, batch.skipped, batch.failed) == (
        (1,) * 5
    )


def test_a_dry_run_counts_values_left_out_as_the_import_does(imported) -> None:
    text = "email,phone\na@example.com,12\na@example.com,\nb@example.com,34\nb@example.com,56\n"
    batch = imported(text, go="check")
    counted = batch.check_result["warn"], batch.check_result["skip"]

    start_batch(batch, actor=ALICE)
    run_until_idle()

    assert counted == (3, 2)
    assert (fresh(batch).warned, batch.skipped) == (3, 2)


def test_a_dry_run_of_many_chunks_adds_up(imported, small_turns) -> None:
    batch = imported(FORTY, go="check")

    assert (batch.check_result["create"], batch.next_row) == (40, 1)


def test_changed_columns_have_to_be_checked_again(imported) -> None:
    batch = imported("email,x\na@example.com,1\n", go="check")

    set_mapping(batch, [{"field": "email"}, {"field": ""}], actor=ALICE)

    assert (batch.status, batch.check_result) == (BatchStatus.MAPPING, None)
    start_check(batch, actor=ALICE)
    run_until_idle()
    assert fresh(batch).status == BatchStatus.READY


def test_nothing_starts_before_its_columns_are_known(imported) -> None:
    batch = imported(FORTY, go="wait")

    for start in (start_batch, start_check):
        with pytest.raises(Conflict, match="Nobody has said yet"):
            start(batch, actor=ALICE)
    assert Run.objects.count() == 1


# --- pause, resume, cancel --------------------------------------------------------------------------------------------


def test_a_paused_import_writes_nothing_more_until_it_is_resumed(created, small_turns) -> None:
    batch = created(FORTY, go="import")
    drive(lambda: fresh(batch).processed == 20)

    pause_batch(batch, actor=ALICE)
    run_until_idle()

    assert (fresh(batch).processed, batch.pending, Contact.objects.count()) == (20, 20, 20)
    assert batch.status == BatchStatus.PAUSED
    resume_batch(batch, actor=ALICE)
    run_until_idle()
    assert (fresh(batch).status, batch.created, Contact.objects.count()) == ("completed", 40, 40)


def test_a_cancelled_import_keeps_what_is_written_and_can_be_taken_back(
    created, small_turns
) -> None:
    batch = created(FORTY, go="import")
    drive(lambda: fresh(batch).processed == 10)

    cancel_batch(batch, actor=ALICE)
    run_until_idle()

    assert (fresh(batch).status, batch.processed, Contact.objects.count()) == ("cancelled", 10, 10)
    with pytest.raises(Conflict, match="is cancelled"):
        resume_batch(batch, actor=ALICE)
    undo_batch(batch, actor=ALICE)
    run_until_idle()
    assert (fresh(batch).status, batch.undone, Contact.objects.count()) == ("undone", 10, 0)


def test_a_chunk_that_meets_a_pause_is_not_written(created, small_turns, monkeypatch) -> None:
    batch = created(FORTY, go="import")
    drive(lambda: fresh(batch).processed == 10)
    write = contacts.Contacts.write

    def pause_meanwhile(self, changes, *, job) -> None:
        write(self, changes, job=job)
        CsvBatch.objects.filter(pk=batch.pk).update(status=BatchStatus.PAUSED)

    # Here the pause stands in the chunk's own transaction and goes with it, so the chunk comes up again.
    monkeypatch.setattr(contacts.Contacts, "write", pause_meanwhile)
    run_one()
    assert (fresh(batch).processed, Contact.objects.count()) == (10, 10)

    monkeypatch.setattr(contacts.Contacts, "write", write)
    run_until_idle()
    assert (fresh(batch).processed, Contact.objects.count()) == (40, 40)


def test_an_import_whose_run_was_cancelled_elsewhere_can_be_resumed(created, small_turns) -> None:
    batch = created(FORTY, go="import")
    drive(lambda: fresh(batch).processed == 10)
    cancel_run(batch.run, actor="staff:bob")
    run_until_idle()
    assert fresh(batch).status == BatchStatus.IMPORTING

    resume_batch(batch, actor=ALICE)
    run_until_idle()

    assert (fresh(batch).status, batch.created) == (BatchStatus.COMPLETED, 40)


def test_an_import_that_failed_on_the_way_goes_on_at_its_next_row(created, small_turns) -> None:
    batch = created(FORTY, go="import")
    drive(lambda: fresh(batch).processed == 20)
    aside = rows_path(batch).rename(rows_path(batch).with_name("aside"))
    run_until_idle(advance=True)

    assert fresh(batch).status == BatchStatus.FAILED
    assert "is not on this machine" in batch.problem["message"]
    aside.rename(rows_path(batch))
    resume_batch(batch, actor=ALICE)
    run_until_idle()
    assert (fresh(batch).status, batch.created, Contact.objects.count()) == ("completed", 40, 40)


def test_imports_take_turns(created, small_turns) -> None:
    first, second = created(FORTY, go="import"), created(FORTY.replace("p", "q"), go="import")
    leads = []
    while not first.is_over or not second.is_over:
        assert run_one() is not None
        leads.append(abs(fresh(first).processed - fresh(second).processed))

    assert max(leads) == 10
    assert (first.created, second.created) == (40, 40)


# --- rows that the database refuses -----------------------------------------------------------------------------------


def test_a_chunk_that_fails_is_halved_down_to_its_bad_row(imported, monkeypatch) -> None:
    sizes = []
    write = contacts.Contacts.write

    def refusing(self, changes, *, job) -> None:
        sizes.append(len(changes))
        if any(change.record.key == "p29@example.com" for change in changes):
            raise IntegrityError("no p29 here\nDETAIL: secret")
        write(self, changes, job=job)

    monkeypatch.setattr(contacts.Contacts, "write", refusing)

    batch = fresh(imported(FORTY))

    assert (batch.created, batch.failed) == (39, 1)
    [row] = batch.rows.failed()
    assert (row.line, row.error_code) == (31, "not_storable")
    assert row.error_message == "The database does not take this row: no p29 here"
    assert sizes == [40, 20, 20, 10, 5, 5, 2, 3, 1, 2, 1, 1, 10]
    assert Contact.objects.count() == 39


# --- again ------------------------------------------------------------------------------------------------------------


def test_only_the_failed_rows_are_tried_again_as_an_import_of_their_own(imported) -> None:
    text = "email,first name\na@example.com,A\nanna@example.com,New\nnobody,N\n"
    create_contact(email="anna@example.com", first_name="Anna", actor="system")
    batch = imported(text, mode="create")
    Contact.objects.filter(email="anna@example.com").delete()

    child = retry_failed(batch, actor="staff:bob")
    run_until_idle()

    assert (fresh(batch).created, batch.failed) == (1, 2)
    assert (fresh(child).total, child.created, child.failed) == (2, 1, 1)
    assert (child.parent, child.status, child.actor) == (batch, "completed", "staff:bob")
    assert [row.line for row in child.rows.order_by("number")] == [3, 4]
    assert Contact.objects.get(email="anna@example.com").first_name == "New"


def test_there_is_nothing_to_try_again_where_nothing_failed(imported) -> None:
    with pytest.raises(Conflict, match="0 rows of it have failed"):
        retry_failed(imported(FORTY), actor=ALICE)


def test_failed_rows_are_tried_again_once_and_what_fails_there_from_there(imported) -> None:
    batch = imported("email\nnobody\na@example.com\n")
    child = retry_failed(batch, actor=ALICE)

    with pytest.raises(Conflict, match=f"already, in {child.public_id}"):
        retry_failed(batch, actor=ALICE)
    run_until_idle()
    with pytest.raises(Conflict, match="already"):
        retry_failed(batch, actor=ALICE)

    assert (fresh(child).failed, batch.retries.count()) == (1, 1)
    assert retry_failed(child, actor=ALICE).parent == child


def test_a_second_try_that_was_cancelled_is_no_reason_against_another(imported) -> None:
    batch = imported("email\nnobody\n")
    cancel_batch(retry_failed(batch, actor=ALICE), actor=ALICE)

    child = retry_failed(batch, actor=ALICE)
    run_until_idle()

    assert fresh(child).failed == 1


TROUBLE = (
    "email,first name,note\n"
    "a@example.com,A,fine\n"
    "nobody,=1+1,-12\n"
    '"x@y",\'quoted,"two\nlines"\n'
    "c@example.com,C\n"
    "d@example.com,D,,beyond\n"
)


def test_the_error_file_holds_the_failed_rows_and_no_formula(imported) -> None:
    batch = imported(TROUBLE)

    text = "".join(error_file(batch))

    assert error_file_name(batch) == "people errors.csv"
    assert text.splitlines()[0] == (
        "\ufeffemail,first name,note,_error_line,_error_column,_error_code,_error"
    )
    assert "nobody,'=1+1,'-12,3,email,invalid_email,'nobody' is not" in text
    assert '"two\nlines",4,email,invalid_email' in text
    assert 'c@example.com,C,,6,,too_few_values,"The row has 2 values, the header has 3."' in text
    assert text.rstrip().endswith(",beyond")


def test_a_corrected_error_file_is_taken_as_the_rows_were_meant(imported) -> None:
    text = "".join(error_file(imported(TROUBLE)))

    corrected = text.replace("nobody,", "b@example.com,").replace("x@y,", "x@example.com,")
    batch = imported(corrected.replace(",beyond", ""))

    assert (batch.created, batch.failed) == (4, 0)
    b = Contact.objects.get(email="b@example.com")
    assert (b.first_name, b.attributes) == ("=1+1", {"note": "-12"})
    x = Contact.objects.get(email="x@example.com")
    assert (x.first_name, x.attributes["note"]) == ("'quoted", "two\nlines")
    again = "".join(error_file(imported(text)))
    assert again.splitlines()[1].startswith("nobody,'=1+1,'-12,2,email,")


def test_the_report_counts_reasons(imported) -> None:
    found = report(imported("email,phone\na@example.com,12\nb,\nc,\nA@example.com,\n"))

    assert found.counts["failed"] == 2
    assert [(each.code, each.status, each.count) for each in found.reasons] == [
        ("invalid_email", "failed", 2),
        ("duplicate", "skipped", 1),
        ("invalid_phone", "succeeded", 1),
    ]
    assert [row.line for row in found.first_issues] == [3, 4, 2, 5]


# --- taking an import back --------------------------------------------------------------------------------------------

GIVEN = {
    "list_name": "News",
    "consent_source": "fair",
    "consent_channels": ["email", "sms"],
}
PEOPLE = (
    "email,first name,phone,town\nanna@example.com,Anne,,Paarl\nnew@example.com,New,0825550132,\n"
)


def test_an_import_is_taken_back_as_if_it_had_never_been(imported, monkeypatch) -> None:
    monkeypatch.setattr(undoing, "CHUNK_ROWS", 1)
    anna = create_contact(
        email="anna@example.com", first_name="Anna", attributes={"team": "Red"}, actor="system"
    )
    batch = imported(PEOPLE, options=GIVEN)
    assert (batch.created, batch.updated, ListMember.objects.count()) == (1, 1, 2)

    undo_batch(batch, actor=ALICE)
    run_until_idle()

    assert (fresh(batch).status, batch.undone, batch.not_undone) == ("undone", 2, 0)
    [left] = Contact.objects.all()
    assert (left.pk, left.first_name, left.attributes) == (anna.pk, "Anna", {"team": "Red"})
    assert ListMember.objects.count() == Consent.objects.count() == 0
    history = ConsentEvent.objects.order_by("pk").values_list("contact", "state", "source")
    assert list(history) == [
        (anna.pk, "granted", "fair"),
        (anna.pk, "withdrawn", f"import {batch.public_id} undone"),
    ]
    again = imported(PEOPLE, options=GIVEN)
    assert (again.created, again.updated) == (1, 1)
    assert Consent.objects.filter(state="granted").count() == 3


def test_what_an_import_gave_to_contacts_that_it_did_not_change_is_taken_back_too(imported) -> None:
    """Whatever has become of them since: consent that was recorded by mistake stands on nothing."""
    anna = create_contact(email="anna@example.com", first_name="Anna", actor="system")
    create_contact(email="ben@example.com", first_name="Ben", actor="system")
    batch = imported("email\nanna@example.com\nben@example.com\n", options=GIVEN)
    assert (batch.unchanged, batch.succeeded, Consent.objects.count()) == (2, 0, 2)
    assert nothing_written(None, None, batch) == ""
    update_contact(anna, first_name="Anne", actor="system")

    undo_batch(batch, actor=ALICE)
    run_until_idle()

    assert (fresh(batch).status, batch.undone, batch.not_undone) == ("undone", 2, 0)
    assert ListMember.objects.count() == Consent.objects.count() == 0
    assert set(Contact.objects.values_list("first_name", flat=True)) == {"Anne", "Ben"}


def test_an_import_that_changed_nothing_says_so_on_its_button(imported) -> None:
    create_contact(email="anna@example.com", actor="system")

    batch = imported("email\nanna@example.com\n")

    assert nothing_written(None, None, batch) == "It has changed nothing."


def test_an_undoing_that_failed_is_not_resumed_as_an_import_but_undone_to_its_end(
    imported, monkeypatch
) -> None:
    monkeypatch.setattr(undoing, "CHUNK_ROWS", 10)
    batch = undo_batch(imported(FORTY, go="import"), actor=ALICE)
    undo = workflows.undoing.undo_rows
    broken = iter([False, True])

    def fails_at_its_second_chunk(each):
        if next(broken):
            raise PermanentFailure("a bug")
        return undo(each)

    monkeypatch.setattr(workflows.undoing, "undo_rows", fails_at_its_second_chunk)
    run_until_idle()
    assert (fresh(batch).status, batch.undone) == (BatchStatus.FAILED, 10)
    assert batch.problem["remedy"].startswith("Mend the reason, then undo it again")

    with pytest.raises(Conflict, match="was being undone when it failed") as refused:
        resume_batch(batch, actor=ALICE)
    assert (refused.value.code, refused.value.remedy) == (
        "undo_begun",
        "Undo it: that goes on where it stopped.",
    )
    assert (fresh(batch).status, Contact.objects.count()) == (BatchStatus.FAILED, 30)

    monkeypatch.setattr(workflows.undoing, "undo_rows", undo)
    undo_batch(batch, actor=ALICE)
    run_until_idle()
    assert (fresh(batch).status, batch.undone, Contact.objects.count()) == (
        BatchStatus.UNDONE,
        40,
        0,
    )


def test_an_undoing_whose_run_was_cancelled_elsewhere_is_undone_to_its_end(
    imported, small_turns, monkeypatch
) -> None:
    monkeypatch.setattr(undoing, "CHUNK_ROWS", 10)
    batch = undo_batch(imported(FORTY, go="import"), actor=ALICE)
    drive(lambda: fresh(batch).undone == 20)
    with pytest.raises(Conflict):
        undo_batch(batch, actor=ALICE)

    cancel_run(batch.run, actor=ALICE)
    run_until_idle()
    assert fresh(batch).status == BatchStatus.UNDOING
    undo_batch(batch, actor=ALICE)
    run_until_idle()

    assert (fresh(batch).status, batch.undone) == (BatchStatus.UNDONE, 40)


def test_rows_that_were_edited_since_stay_and_are_named(imported) -> None:
    batch = imported("email,first name\na@example.com,A\nb@example.com,B\nc@example.com,C\n")
    b = Contact.objects.get(email="b@example.com")
    update_contact(b, first_name="Bea", actor="staff:bob")
    Contact.objects.get(email="c@example.com").delete()

    undo_batch(batch, actor=ALICE)
    run_until_idle()

    assert (fresh(batch).undone, batch.not_undone) == (1, 2)
    assert list(batch.rows.order_by("line").values_list("line", "undo")) == [
        (2, "undone"),
        (3, "edited"),
        (4, "edited"),
    ]
    assert Contact.objects.get().first_name == "Bea"


def test_who_said_something_themselves_stays(imported) -> None:
    batch = imported(PEOPLE, options=GIVEN)
    new = Contact.objects.get(email="new@example.com")
    withdraw_consent(new, Channel.EMAIL, source="telephone", actor="recipient")

    undo_batch(batch, actor=ALICE)
    run_until_idle()

    assert (fresh(batch).undone, batch.not_undone) == (1, 1)
    assert Contact.objects.get().pk == new.pk
    assert Consent.objects.get(contact=new).state == "withdrawn"


def test_suppressions_are_taken_back(imported) -> None:
    batch = imported("email\na@example.com\n", target="suppressions")

    undo_batch(batch, actor=ALICE)
    run_until_idle()

    assert (fresh(batch).undone, Suppression.objects.count()) == (1, 0)


def test_an_import_under_way_cannot_be_taken_back(created) -> None:
    batch = created(FORTY, go="import")

    with pytest.raises(Refused, match="is reading the file"):
        undo_batch(batch, actor=ALICE)
