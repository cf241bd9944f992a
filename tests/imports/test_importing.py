"""A file becomes contacts: every row is taken, or named with its line and the reason."""

from __future__ import annotations

import pytest

from core.models import AuditEntry
from imports import bulk
from imports.models import CsvBatch
from imports.states import BatchStatus
from imports.storage import kept
from jobs.models import Run
from jobs.testing import run_one, run_until_idle
from messaging.actions.consent import suppress_address, unsubscribe, withdraw_consent
from messaging.actions.people import create_contact
from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentEvent,
    Contact,
    ContactList,
    ListMember,
    SuppressionReason,
)

PEOPLE = """\
Email Address,First Name,Surname,Mobile,Time Zone,Company
Thabo@Example.com,Thabo,Nkosi,082 555 0134,africa/johannesburg,Acme
anna@example.com,Anna,,,,
"""
CONSENT = {"consent_source": "fair 2026", "consent_wording": "Write to me"}


def counts(batch: CsvBatch) -> dict[str, int]:
    """The counts that are not nought; they are checked to add up."""
    names = ("created", "updated", "unchanged", "skipped", "failed", "warned")
    found = {name: getattr(batch, name) for name in names if getattr(batch, name)}
    statuses = batch.rows.values_list("status", flat=True)
    assert len(statuses) == batch.processed == batch.total
    for status in ("succeeded", "unchanged", "skipped", "failed"):
        assert list(statuses).count(status) == getattr(batch, status)
    return found


def issues(batch: CsvBatch) -> list[tuple[int, str, str, str, str]]:
    return [
        (row.line, row.error_column, row.error_code, row.error_value, row.status)
        for row in batch.rows.exclude(error_code="").order_by("number")
    ]


def test_known_columns_become_fields_and_others_attributes(imported) -> None:
    batch = imported(PEOPLE)

    thabo = Contact.objects.get(email="thabo@example.com")
    assert (thabo.first_name, thabo.last_name) == ("Thabo", "Nkosi")
    assert (thabo.phone, thabo.time_zone) == ("+27825550134", "Africa/Johannesburg")
    assert thabo.attributes == {"company": "Acme"}
    assert Contact.objects.get(email="anna@example.com").attributes == {}
    assert counts(batch) == {"created": 2}
    assert (batch.status, batch.total) == (BatchStatus.COMPLETED, 2)
    assert batch.finished_at is not None
    assert batch.run.status == Run.Status.COMPLETED


def test_a_second_column_of_the_same_meaning_becomes_an_attribute(imported) -> None:
    imported("email,Phone,Mobile,Phone,,E-mail\na@example.com,0825550131,1,2,3,4\n")

    contact = Contact.objects.get()
    assert contact.phone == "+27825550131"
    assert contact.attributes == {"mobile": "1", "phone_2": "2", "column_5": "3", "e_mail": "4"}


def test_the_same_file_again_writes_nothing(imported) -> None:
    options = {**CONSENT, "list_name": "News"}
    imported(PEOPLE, options=options)
    before = list(Contact.objects.order_by("pk").values())
    rows = (ConsentEvent.objects.count(), ListMember.objects.count())

    again = imported(PEOPLE, options={**options, "list_name": "news"})

    assert counts(again) == {"unchanged": 2}
    assert list(Contact.objects.order_by("pk").values()) == before
    assert (ConsentEvent.objects.count(), ListMember.objects.count()) == rows == (2, 2)


def test_a_row_changes_what_it_says_and_leaves_the_rest(imported) -> None:
    imported(PEOPLE)

    batch = imported("email,first name,company,town\nthabo@example.com,,Other,Durban\n")

    thabo = Contact.objects.get(email="thabo@example.com")
    assert (thabo.first_name, thabo.phone) == ("Thabo", "+27825550134")
    assert thabo.attributes == {"company": "Other", "town": "Durban"}
    assert counts(batch) == {"updated": 1}


def test_rows_that_fail_are_named_with_line_column_value_and_reason(imported) -> None:
    batch = imported(
        "email,name,note\n"
        'a@example.com,A,"two\nlines"\n'
        "b at example.com,B,\n"
        ",C,\n"
        "A@example.com,A again,\n"
        "d@example.com,D\n"
        "e@example.com,E,,extra\n"
        '"f@example.com,F,\n'
        "g@example.com,G,\n"
    )

    assert counts(batch) == {"created": 2, "skipped": 1, "failed": 5}
    assert issues(batch) == [
        (4, "email", "invalid_email", "b at example.com", "failed"),
        (5, "email", "no_email", "", "failed"),
        (6, "email", "duplicate", "a@example.com", "skipped"),
        (7, "", "too_few_values", "d@example.com,D", "failed"),
        (8, "", "too_many_values", "e@example.com,E,,extra", "failed"),
        (9, "", "unclosed_quote", '"f@example.com,F,', "failed"),
    ]
    assert batch.rows.get(line=6).error_message == "Line 2 is about the same one and counts."
    assert sorted(Contact.objects.values_list("email", flat=True)) == [
        "a@example.com",
        "g@example.com",
    ]


BAD_VALUES = (
    "email,phone,time zone,locale\n"
    "a@example.com,12,Mars/Base,a locale that is too long\n"
    "b@example.com,n/a,-,\n"
)


def test_a_bad_value_is_left_out_and_its_row_is_kept(imported) -> None:
    batch = imported(BAD_VALUES)

    assert counts(batch) == {"created": 2, "warned": 1}
    [row] = batch.rows.warned()
    assert (row.line, row.error_column, row.error_code) == (2, "phone", "invalid_phone")
    assert [(each["column"], each["code"]) for each in row.issues] == [
        ("phone", "invalid_phone"),
        ("time zone", "invalid_time_zone"),
        ("locale", "invalid_locale"),
    ]
    assert Contact.objects.get(email="a@example.com").phone is None


def test_a_bad_value_rejects_its_row_where_that_is_asked_for(imported) -> None:
    batch = imported(BAD_VALUES, bad_values="reject")

    assert counts(batch) == {"created": 1, "failed": 1}
    assert Contact.objects.get().email == "b@example.com"


def test_a_number_belongs_to_who_had_it_first(imported) -> None:
    create_contact(phone="082 555 0131", actor="system")

    batch = imported(
        "email,phone\n"
        "a@example.com,082 555 0131\n"
        "b@example.com,082 555 0132\n"
        "c@example.com,082 555 0132\n"
    )

    assert counts(batch) == {"created": 3, "warned": 2}
    assert [(line, code) for line, _, code, *_ in issues(batch)] == [
        (2, "phone_taken"),
        (4, "phone_taken"),
    ]
    assert Contact.objects.get(phone="+27825550132").email == "b@example.com"


def test_numbers_are_read_as_dialled_in_the_region(imported) -> None:
    imported("email,phone\na@example.com,020 7946 0078\n", options={"default_region": "gb"})

    assert Contact.objects.get().phone == "+442079460078"


@pytest.mark.parametrize("number", ["-27825550131", "-0825550131", "2.7825550131E+10", "8,2E10"])
def test_a_number_that_a_spreadsheet_made_a_sum_of_is_refused_in_those_words(
    imported, number
) -> None:
    batch = imported(f'email,phone\na@example.com,"{number}"\n')

    [row] = batch.rows.warned()
    assert (row.error_code, row.error_value) == ("invalid_phone", number)
    assert "a spreadsheet has changed it into a sum" in row.error_message
    assert Contact.objects.get().phone is None


def test_consent_is_recorded_with_source_and_wording(imported) -> None:
    imported(PEOPLE, options=CONSENT)

    event = ConsentEvent.objects.filter(contact__email="anna@example.com").get()
    assert (event.channel, event.state, event.source, event.wording, event.actor) == (
        "email",
        "granted",
        "fair 2026",
        "Write to me",
        "staff:alice",
    )
    assert Consent.objects.filter(state="granted").count() == 2


def test_consent_to_sms_goes_to_those_with_a_number(imported) -> None:
    imported(PEOPLE, options={**CONSENT, "consent_channels": ["email", "sms"]})

    found = Consent.objects.values_list("contact__email", "channel")
    assert sorted(found) == [
        ("anna@example.com", "email"),
        ("thabo@example.com", "email"),
        ("thabo@example.com", "sms"),
    ]


def test_without_a_source_nobody_has_consented(imported) -> None:
    imported(PEOPLE)

    assert Consent.objects.count() == 0


def test_an_import_never_outweighs_what_a_person_said(imported) -> None:
    imported(PEOPLE, options=CONSENT)
    anna, thabo = Contact.objects.order_by("email")
    withdraw_consent(anna, Channel.EMAIL, source="telephone", actor="system")
    unsubscribe(thabo, Channel.EMAIL, source="one-click", actor="recipient")
    history = ConsentEvent.objects.count()

    again = imported(PEOPLE, options={"consent_source": "fair 2027"})

    assert [code for _, _, code, *_ in issues(again)] == ["consent_withdrawn"] * 2
    assert set(Consent.objects.values_list("state", flat=True)) == {"withdrawn"}
    assert ConsentEvent.objects.count() == history


def test_a_complaint_outlives_the_contact_it_came_from(imported) -> None:
    gone = create_contact(email="anna@example.com", actor="system")
    suppress_address(
        Channel.EMAIL, gone.email_hash, reason=SuppressionReason.COMPLAINED, actor="system"
    )
    gone.delete()

    batch = imported(PEOPLE, options=CONSENT)

    assert [code for _, _, code, *_ in issues(batch)] == ["consent_withdrawn"]
    assert Consent.objects.get().contact.email == "thabo@example.com"


def test_everybody_in_the_file_joins_the_list(imported) -> None:
    imported("email\nanna@example.com\n")

    batch = imported(PEOPLE, options={"list_name": "News"})

    assert ContactList.objects.get().members.count() == 2
    assert counts(batch) == {"created": 1, "updated": 1}


def test_a_long_file_is_written_in_chunks_that_are_not_repeated(imported, monkeypatch) -> None:
    monkeypatch.setattr(bulk, "CHUNK_ROWS", 10)

    batch = imported("email\n" + "".join(f"p{n}@example.com\n" for n in range(35)))

    assert counts(batch) == {"created": 35}
    assert list(batch.rows.order_by("number").values_list("number", flat=True)) == [*range(1, 36)]
    assert (batch.next_row, batch.run.progress_done, batch.run.progress_total) == (36, 35, 35)
    assert Contact.objects.count() == 35


def test_an_import_whose_file_is_gone_fails_and_says_so(created) -> None:
    batch = created(PEOPLE, go="import")
    kept(batch.file).unlink()
    run_until_idle()

    batch.refresh_from_db()
    assert batch.status == BatchStatus.FAILED
    assert batch.problem["code"] == "file_gone"
    assert "is not on this machine" in batch.problem["message"]
    assert Contact.objects.count() == 0
    assert run_one() is None


def test_the_audit_names_counts_and_no_person(imported) -> None:
    imported(PEOPLE)

    entries = {
        each.verb: each.detail for each in AuditEntry.objects.filter(verb__startswith="import.")
    }
    assert set(entries) == {"import.created", "import.finished"}
    assert (entries["import.finished"]["total"], entries["import.finished"]["created"]) == (2, 2)
    assert "example.com" not in str(entries)
