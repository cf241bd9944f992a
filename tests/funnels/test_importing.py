"""Registrations and attendance from files."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from funnels.actions import (
    enroll,
    pause_launch,
    resume_launch,
    set_attendance,
    settle_event,
    withdraw,
)
from funnels.models import Event, Registration
from funnels.states import Attendance
from imports import undoing
from imports.actions import undo_batch
from imports.admin.batches import ask_to_undo
from imports.models import CsvBatch
from jobs.testing import run_until_idle
from messaging.actions.consent import withdraw_consent
from messaging.actions.people import create_contact
from messaging.channels import Channel
from messaging.models import Consent, ConsentEvent, Contact
from tests.funnels.conftest import ALICE, DAY, ENDS, HOUR, SETTLED, STARTS, TODAY
from tests.funnels.telling import at, live_until, sent, told

MINUTE = timedelta(minutes=1)
BOB = "staff:bob"


def bring(folder: Path, text: str, *words: str) -> CsvBatch:
    file = folder / "people.csv"
    file.write_text(text)
    call_command("import_file", str(file), *words)
    run_until_idle()
    return CsvBatch.objects.latest("pk")


def say_who_came(folder: Path, event: Event, text: str) -> CsvBatch:
    return bring(
        folder, f"email,attended\n{text}", "--target=attendance", f"--set=event={event.public_id}"
    )


def register(folder: Path, event: Event, text: str, *words: str) -> CsvBatch:
    target = "--target=event_registrations"
    return bring(folder, text, target, f"--set=event={event.public_id}", *words)


def undo(batch: CsvBatch) -> CsvBatch:
    undo_batch(batch, actor=ALICE)
    run_until_idle()
    batch.refresh_from_db()
    assert batch.status == "undone", batch.problem
    return batch


def of(person: Contact) -> Registration:
    return Registration.objects.get(contact=person)


def kept_lines(batch: CsvBatch) -> list[int]:
    return list(batch.rows.filter(undo="edited").order_by("number").values_list("line", flat=True))


@pytest.fixture(autouse=True)
def var(settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path / "var"


def test_everybody_in_a_file_is_enrolled(event, before, ada, tmp_path: Path):
    text = "email,first_name\nADA@example.com,Ada\nben@example.com,Ben\n"

    batch = bring(
        tmp_path,
        text,
        "--target=event_registrations",
        f"--set=event={event.public_id}",
        "--set=consent_source=sheet",
    )

    assert batch.status == "completed", batch.problem
    assert Registration.objects.count() == Contact.objects.count() == 2
    assert Consent.objects.filter(contact__email="ben@example.com").count() == 1


def test_a_row_that_cannot_be_enrolled_costs_itself(event, before, tmp_path: Path):
    """A number that is somebody else's, and a name that is too long, are errors of their rows alone."""
    create_contact(email="ada@example.com", phone="+27825550134", actor=ALICE)
    text = (
        "email,phone,first_name\n"
        "ben@example.com,082 555 0134,Ben\n"
        f"cleo@example.com,,{'Cleo' * 40}\n"
        "dan@example.com,,Dan\n"
    )

    batch = bring(tmp_path, text, "--target=event_registrations", f"--set=event={event.public_id}")

    assert (batch.status, batch.created, batch.failed) == ("completed", 1, 2)
    assert [row.line for row in batch.rows.failed().order_by("number")] == [2, 3]
    assert {row.error_code for row in batch.rows.failed()} == {"rejected"}
    assert Registration.objects.get().contact.email == "dan@example.com"


def test_a_file_says_who_came(event, after, make_person, tmp_path: Path):
    ada, ben = make_person("ada"), make_person("ben")
    enroll(event, [ada.pk, ben.pk], actor=ALICE)
    with at(ENDS):
        batch = bring(
            tmp_path,
            "email,attended\nada@example.com,yes\nben@example.com,no\nzoe@example.com,yes\n",
            "--target=attendance",
            f"--set=event={event.public_id}",
        )
    live_until(SETTLED)

    assert (batch.status, batch.updated, batch.failed) == ("completed", 2, 1)
    assert [step for step, _, _ in sent(event, ada)] == ["thank-you"]
    assert [step for step, _, _ in sent(event, ben)] == ["sorry-missed"]


def test_an_event_that_there_is_not_is_refused(event, tmp_path: Path):
    with pytest.raises(CommandError, match="occ_1"):
        bring(tmp_path, "email\na@example.com\n", "--target=attendance", "--set=event=occ_1")


# --- taking a file of attendance back ------------------------------------------------------------------------------


def test_attendance_is_put_back_row_by_row_but_what_was_said_since(
    event, after, make_person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Back to unknown, too. Who was said to have come once more, by a person, has come."""
    monkeypatch.setattr(undoing, "CHUNK_ROWS", 1)
    ada, ben, cleo = make_person("ada"), make_person("ben"), make_person("cleo")
    enroll(event, [ada.pk, ben.pk, cleo.pk], actor=ALICE)
    with at(ENDS):
        set_attendance(of(ben), Attendance.NO_SHOW, actor=ALICE)
    with at(ENDS + MINUTE):
        text = "ada@example.com,yes\nben@example.com,yes\ncleo@example.com,yes\n"
        batch = say_who_came(tmp_path, event, text)
    assert set(Registration.objects.values_list("attendance", flat=True)) == {"attended"}
    with at(ENDS + 2 * MINUTE):
        set_attendance(of(cleo), Attendance.ATTENDED, actor=BOB)

    with at(ENDS + 3 * MINUTE):
        undo(batch)

    assert (batch.undone, batch.not_undone, kept_lines(batch)) == (2, 1, [4])
    said = [(of(each).attendance, of(each).attendance_source) for each in (ada, ben, cleo)]
    assert said == [("unknown", ""), ("no_show", "person"), ("attended", "person")]
    assert of(ben).attendance_said_at == ENDS
    live_until(SETTLED)
    steps = [step for each in (ada, ben, cleo) for step, _, _ in sent(event, each)]
    assert steps == ["sorry-missed", "sorry-missed", "thank-you"]


def test_what_another_file_has_said_since_stays(event, ada, tmp_path: Path):
    """Even where a third says the same as the first again."""
    enroll(event, [ada.pk], actor=ALICE)
    batches = []
    for number, word in enumerate(["yes", "no", "yes"]):
        with at(ENDS + number * MINUTE):
            batches.append(say_who_came(tmp_path, event, f"ada@example.com,{word}\n"))

    with at(ENDS + 10 * MINUTE):
        first, third = undo(batches[0]), undo(batches[2])

    assert (first.undone, first.not_undone, kept_lines(first)) == (0, 1, [2])
    assert (third.undone, third.not_undone) == (1, 0)
    assert of(ada).attendance == "no_show"
    assert undo(batches[1]).undone == 1
    assert of(ada).attendance == "attended"


def test_whom_a_file_had_thanked_is_never_told_the_contrary_when_it_is_undone(
    event, after, make_person, tmp_path: Path
):
    ada, ben = make_person("ada"), make_person("ben")
    enroll(event, [ada.pk, ben.pk], actor=ALICE)
    with at(ENDS):
        set_attendance(of(ben), Attendance.NO_SHOW, actor=ALICE)
    with at(ENDS + MINUTE):
        batch = say_who_came(tmp_path, event, "ada@example.com,yes\nben@example.com,yes\n")
    live_until(SETTLED + HOUR)

    with at(SETTLED + HOUR):
        undo(batch)
    assert (batch.undone, batch.not_undone) == (2, 0)
    assert [of(each).attendance for each in (ada, ben)] == ["unknown", "no_show"]
    with at(SETTLED + 2 * HOUR):
        set_attendance(of(ada), Attendance.NO_SHOW, actor=ALICE)
    live_until(SETTLED + 10 * DAY)

    for person in (ada, ben):
        mine = of(person)
        assert (mine.attendance, mine.told) == ("no_show", "attended")
        assert mine.attendance_note == "Had been told otherwise (attended)."
        assert told(event, person) == [
            ("thank-you", "email", "sent", SETTLED),
            ("nurture", "email", "cancelled", SETTLED + HOUR),
            ("resources", "email", "cancelled", SETTLED + HOUR),
        ]


def test_what_a_file_had_written_and_nobody_got_gives_way_to_the_branch_of_before(
    event, after, make_person, tmp_path: Path
):
    ada, ben = make_person("ada"), make_person("ben")
    enroll(event, [ada.pk, ben.pk], actor=ALICE)
    with at(ENDS):
        pause_launch(after, actor=ALICE)
        set_attendance(of(ada), Attendance.NO_SHOW, actor=ALICE)
    with at(ENDS + MINUTE):
        batch = say_who_came(tmp_path, event, "ada@example.com,yes\nben@example.com,yes\n")
        settle_event(event, actor=ALICE)
    assert [of(each).told for each in (ada, ben)] == ["attended", "attended"]

    with at(ENDS + HOUR):
        undo(batch)
        assert [of(each).told for each in (ada, ben)] == ["no_show", ""]
        resume_launch(after, actor=ALICE)
    live_until(SETTLED + 10 * DAY)

    steps = [step for step, _, _ in sent(event, ada)]
    assert steps == ["sorry-missed", "reengagement", "final-followup"]
    assert sent(event, ben) == []  # nobody knows whether they came
    assert of(ben).attendance == "unknown"


def test_an_address_in_a_file_of_attendance_changes_nobody(event, ada, tmp_path: Path):
    enroll(event, [ada.pk], actor=ALICE)
    with at(ENDS):
        set_attendance(of(ada), Attendance.ATTENDED, actor=ALICE)
        batch = bring(
            tmp_path,
            "email,phone,attended\nada@example.com,+27825559999,yes\n",
            "--target=attendance",
            f"--set=event={event.public_id}",
        )

    assert (batch.updated, batch.unchanged) == (0, 1)
    ada.refresh_from_db()
    assert ada.phone == "+27825550000"


@pytest.mark.parametrize("target", ["attendance", "event_registrations"])
def test_a_crowd_is_taken_back_in_as_few_statements_as_a_handful(
    target, event, before, after, make_person, tmp_path: Path
):
    statements = []
    for crowd in (2, 12):
        names = [f"{crowd}-{number}" for number in range(crowd)]
        people = [make_person(name).pk for name in names]
        if target == "attendance":
            enroll(event, people, actor=ALICE)
        rows = "".join(f"{name}@example.com,yes\n" for name in names)
        words = f"--target={target}", f"--set=event={event.public_id}"
        batch = bring(tmp_path, f"email,attended\n{rows}", *words)
        with CaptureQueriesContext(connection) as queries:
            assert undoing.undo_rows(batch) == crowd
        batch.refresh_from_db()
        assert (batch.undone, batch.not_undone) == (crowd, 0)
        statements.append(len(queries))

    assert statements[0] == statements[1] < 60


# --- taking a file of registrations back ---------------------------------------------------------------------------


def test_whom_a_file_had_registered_is_withdrawn_and_what_waits_for_them_taken_back(
    event, before, make_person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whoever was written to stays a contact; who was registered before the file, or anew since, stays that."""
    monkeypatch.setattr(undoing, "CHUNK_ROWS", 2)
    ben = make_person("ben")
    enroll(event, [ben.pk], actor=ALICE)
    text = "email\nada@example.com\nben@example.com\ncleo@example.com\ndan@example.com\n"
    batch = register(tmp_path, event, text, "--set=consent_source=sheet")
    assert (batch.created, batch.skipped) == (3, 1)
    ada, cleo, dan = (
        Contact.objects.get(email=f"{name}@example.com") for name in ("ada", "cleo", "dan")
    )
    with at(TODAY + HOUR):
        withdraw(of(cleo), actor=ALICE)
    with at(TODAY + 2 * HOUR):
        enroll(event, [cleo.pk], actor=ALICE)
    assert ask_to_undo(None, None, batch).startswith(
        "The 3 that it created are withdrawn, and what was not sent to them is taken back; they stay contacts."
    )

    with at(TODAY + DAY):
        undo(batch)
    live_until(STARTS)

    assert (batch.undone, batch.not_undone, kept_lines(batch)) == (2, 1, [4])
    status = {row.contact.email[:3]: row.status for row in Registration.objects.all()}
    assert status == {
        "ada": "withdrawn",
        "ben": "registered",
        "cle": "registered",
        "dan": "withdrawn",
    }
    for gone in (ada, dan):
        assert told(event, gone) == [
            ("welcome", "email", "sent", TODAY),
            *(
                (step, channel, "cancelled", TODAY + DAY)
                for step in ("reminder-1h", "reminder-24h")
                for channel in ("email", "sms")
            ),
        ]
        assert [each.run.status for each in of(gone).enrollments.all()] == ["cancelled"]
        assert not Consent.objects.filter(contact=gone).exists()
        acts = ConsentEvent.objects.filter(contact=gone).order_by("pk")
        assert list(acts.values_list("channel", "state", "source")) == [
            ("email", "granted", "sheet"),
            ("email", "withdrawn", f"import {batch.public_id} undone"),
        ]
    assert [step for step, channel, _ in sent(event, cleo) if channel == "email"] == [
        "welcome",
        "reminder-24h",
        "reminder-1h",
    ]


def test_who_has_come_stays_registered_and_who_was_missed_hears_no_more(
    event, after, make_person, tmp_path: Path
):
    ada, ben = make_person("ada"), make_person("ben")
    batch = register(tmp_path, event, "email\nada@example.com\nben@example.com\n")
    with at(ENDS):
        set_attendance(of(ada), Attendance.ATTENDED, actor=ALICE)
    live_until(SETTLED + HOUR)

    with at(SETTLED + HOUR):
        undo(batch)
    live_until(SETTLED + 10 * DAY)

    assert (batch.undone, batch.not_undone, kept_lines(batch)) == (1, 1, [2])
    assert [of(each).status for each in (ada, ben)] == ["registered", "withdrawn"]
    assert len(sent(event, ada)) == 3
    assert sent(event, ben) == [("sorry-missed", "email", SETTLED)]


def test_who_came_back_by_a_file_under_another_number_is_withdrawn_again(
    event, before, make_person, tmp_path: Path
):
    """Who was registered already under another number is left as they are."""
    ada, ben = make_person("ada"), make_person("ben")
    enroll(event, [ada.pk, ben.pk], actor=ALICE)
    with at(TODAY + HOUR):
        withdraw(of(ada), actor=ALICE)
    text = "phone,email\n082 555 1111,ada@example.com\n082 555 2222,ben@example.com\n"
    Consent.objects.filter(contact=ben).delete()
    with at(TODAY + 2 * HOUR):
        batch = register(tmp_path, event, text, "--match=phone", "--set=consent_source=sheet")
    assert (batch.created, batch.updated, batch.unchanged) == (0, 1, 1)
    assert of(ada).status == "registered"
    assert Consent.objects.filter(contact=ben).count() == 2

    with at(TODAY + 3 * HOUR):
        undo(batch)

    assert (batch.undone, batch.not_undone) == (2, 0)
    assert [of(each).status for each in (ada, ben)] == ["withdrawn", "registered"]
    assert [Consent.objects.filter(contact=each).count() for each in (ada, ben)] == [2, 0]


def test_a_file_does_not_agree_for_who_has_withdrawn(event, before, ada, tmp_path: Path):
    withdraw_consent(ada, Channel.EMAIL, source="page", actor=ALICE)

    batch = register(tmp_path, event, "email\nada@example.com\n", "--set=consent_source=sheet")

    assert (batch.created, batch.warned) == (1, 1)
    assert batch.rows.get().error_code == "consent_withdrawn"
    assert Consent.objects.get(contact=ada, channel="email").state == "withdrawn"
    live_until(TODAY + HOUR)
    assert [word for _, channel, word, _ in told(event, ada) if channel == "email"][0] != "sent"
