"""A file becomes contacts: every row is taken, or named with its line and the reason."""

from __future__ import annotations

from core.models import AuditEntry
from imports import files
from imports.actions import start_import
from imports.models import ImportBatch
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


def counts(batch: ImportBatch) -> tuple[int, int, int, int, int]:
    return (batch.total, batch.created, batch.updated, batch.unchanged, batch.rejected)


def issues(batch: ImportBatch) -> list[tuple[int, str, str, str, bool]]:
    return [
        (each.line, each.column, each.code, each.value, each.is_whole_row)
        for each in batch.rejections.all()
    ]


def test_known_columns_become_fields_and_others_attributes(imported) -> None:
    batch = imported(PEOPLE)

    thabo = Contact.objects.get(email="thabo@example.com")
    assert (thabo.first_name, thabo.last_name) == ("Thabo", "Nkosi")
    assert (thabo.phone, thabo.time_zone) == ("+27825550134", "Africa/Johannesburg")
    assert thabo.attributes == {"company": "Acme"}
    assert Contact.objects.get(email="anna@example.com").attributes == {}
    assert counts(batch) == (2, 2, 0, 0, 0)
    assert batch.finished_at is not None
    assert batch.run.status == Run.Status.COMPLETED


def test_a_second_column_of_the_same_meaning_becomes_an_attribute(imported) -> None:
    imported("email,Phone,Mobile,Phone,,E-mail\na@example.com,0825550134,1,2,3,4\n")

    contact = Contact.objects.get()
    assert contact.phone == "+27825550134"
    assert contact.attributes == {"mobile": "1", "phone_2": "2", "column_5": "3", "e_mail": "4"}


def test_the_same_file_again_writes_nothing(imported) -> None:
    imported(PEOPLE, consent_source="form", list_name="News")
    before = list(Contact.objects.order_by("pk").values())
    rows = (ConsentEvent.objects.count(), ListMember.objects.count())

    again = imported(PEOPLE, consent_source="form", list_name="news")

    assert counts(again) == (2, 0, 0, 2, 0)
    assert list(Contact.objects.order_by("pk").values()) == before
    assert (ConsentEvent.objects.count(), ListMember.objects.count()) == rows == (2, 2)


def test_a_row_changes_what_it_says_and_leaves_the_rest(imported) -> None:
    imported(PEOPLE)

    batch = imported("email,first name,company,town\nthabo@example.com,,Other,Durban\n")

    thabo = Contact.objects.get(email="thabo@example.com")
    assert (thabo.first_name, thabo.phone) == ("Thabo", "+27825550134")
    assert thabo.attributes == {"company": "Other", "town": "Durban"}
    assert counts(batch) == (1, 0, 1, 0, 0)


def test_rejected_rows_are_named_with_line_column_value_and_reason(imported) -> None:
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

    assert counts(batch) == (8, 2, 0, 0, 6)
    assert issues(batch) == [
        (4, "email", "invalid_email", "b at example.com", True),
        (5, "email", "no_email", "", True),
        (6, "email", "duplicate", "A@example.com", True),
        (7, "", "too_few_values", "d@example.com,D", True),
        (8, "", "too_many_values", "e@example.com,E,,extra", True),
        (9, "", "unclosed_quote", '"f@example.com,F,', True),
    ]
    assert batch.rejections.get(line=6).message == "Line 2 has the same address and was taken."
    assert sorted(Contact.objects.values_list("email", flat=True)) == [
        "a@example.com",
        "g@example.com",
    ]


def test_a_bad_value_is_left_out_and_its_row_is_kept(imported) -> None:
    batch = imported(
        "email,phone,time zone,locale\n"
        "a@example.com,12,Mars/Base,a locale that is too long\n"
        "b@example.com,n/a,-,\n"
    )

    assert counts(batch) == (2, 2, 0, 0, 0)
    assert batch.values_left_out == 3
    assert [issue[1:3] for issue in issues(batch)] == [
        ("phone", "invalid_phone"),
        ("time zone", "invalid_time_zone"),
        ("locale", "invalid_locale"),
    ]
    assert Contact.objects.get(email="a@example.com").phone is None


def test_a_number_belongs_to_who_had_it_first(imported) -> None:
    create_contact(phone="082 555 0134", actor="system")

    batch = imported(
        "email,phone\n"
        "a@example.com,082 555 0134\n"
        "b@example.com,082 555 0135\n"
        "c@example.com,082 555 0135\n"
    )

    assert counts(batch) == (3, 3, 0, 0, 0)
    assert [issue[:3] for issue in issues(batch)] == [
        (2, "phone", "phone_taken"),
        (4, "phone", "phone_taken"),
    ]
    assert Contact.objects.get(phone="+27825550135").email == "b@example.com"


def test_numbers_are_read_as_dialled_in_the_region(imported) -> None:
    imported("email,phone\na@example.com,020 7946 0078\n", default_region="gb")

    assert Contact.objects.get().phone == "+442079460078"


def test_consent_is_recorded_with_source_and_wording(imported) -> None:
    batch = imported(PEOPLE, consent_source="fair 2026", consent_wording="Write to me")

    event = ConsentEvent.objects.filter(contact__email="anna@example.com").get()
    assert (event.channel, event.state, event.source, event.wording, event.actor) == (
        "email",
        "granted",
        "fair 2026",
        "Write to me",
        "staff:alice",
    )
    assert (batch.consents_given, batch.consents_kept_withdrawn) == (2, 0)


def test_without_a_source_nobody_has_consented(imported) -> None:
    imported(PEOPLE)

    assert Consent.objects.count() == 0


def test_an_import_never_outweighs_what_a_person_said(imported) -> None:
    imported(PEOPLE, consent_source="fair 2026")
    anna, thabo = Contact.objects.order_by("email")
    withdraw_consent(anna, Channel.EMAIL, source="telephone", actor="system")
    unsubscribe(thabo, Channel.EMAIL, source="one-click", actor="recipient")
    history = ConsentEvent.objects.count()

    again = imported(PEOPLE, consent_source="fair 2027")

    assert (again.consents_given, again.consents_kept_withdrawn) == (0, 2)
    assert set(Consent.objects.values_list("state", flat=True)) == {"withdrawn"}
    assert ConsentEvent.objects.count() == history


def test_a_complaint_outlives_the_contact_it_came_from(imported) -> None:
    gone = create_contact(email="anna@example.com", actor="system")
    suppress_address(
        Channel.EMAIL, gone.email_hash, reason=SuppressionReason.COMPLAINED, actor="system"
    )
    gone.delete()

    batch = imported(PEOPLE, consent_source="fair 2026")

    assert (batch.consents_given, batch.consents_kept_withdrawn) == (1, 1)
    assert Consent.objects.get().contact.email == "thabo@example.com"


def test_everybody_in_the_file_joins_the_list(imported) -> None:
    imported("email\nanna@example.com\n")

    batch = imported(PEOPLE, list_name="News")

    assert batch.contact_list.members.count() == 2
    assert ContactList.objects.get().name == "News"


def test_a_long_file_is_written_in_steps_that_are_not_repeated(imported, monkeypatch) -> None:
    monkeypatch.setattr(files, "CHUNK_ROWS", 10)

    batch = imported("email\n" + "".join(f"p{n}@example.com\n" for n in range(35)))

    keys = list(batch.run.steps.order_by("started_at").values_list("key", flat=True))
    assert keys == ["import rows", "import rows#2", "import rows#3", "import rows#4", "finish"]
    assert counts(batch) == (35, 35, 0, 0, 0)
    assert batch.run.output["created"] == 35
    assert (batch.run.progress_done, batch.run.progress_total) == (35, 35)


def test_a_run_whose_file_is_gone_fails_and_says_so(imported, csv_file, db) -> None:
    batch = start_import(csv_file(PEOPLE), actor="system")
    files.kept(batch.sha256).unlink()
    run_until_idle()

    batch.run.refresh_from_db()
    assert batch.run.status == Run.Status.FAILED
    assert "is not on this machine" in batch.run.error["message"]
    assert Contact.objects.count() == 0
    assert run_one() is None


def test_the_audit_names_counts_and_no_person(imported) -> None:
    imported(PEOPLE)

    started, finished = AuditEntry.objects.filter(verb__startswith="import.").order_by("pk")
    assert (started.verb, started.detail["rows"]) == ("import.started", 2)
    assert (finished.verb, finished.detail["created"]) == ("import.finished", 2)
    assert "example.com" not in f"{started.detail}{finished.detail}"
