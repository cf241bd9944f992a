"""Registrations and attendance from files."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from funnels.actions import enroll
from funnels.models import Registration
from imports.models import CsvBatch
from jobs.testing import run_until_idle
from messaging.actions.people import create_contact
from messaging.models import Consent, Contact
from tests.funnels.conftest import ALICE, ENDS, SETTLED
from tests.funnels.telling import at, live_until, sent


def bring(folder: Path, text: str, *words: str) -> CsvBatch:
    file = folder / "people.csv"
    file.write_text(text)
    call_command("import_file", str(file), *words)
    run_until_idle()
    return CsvBatch.objects.latest("pk")


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
