"""What a person may choose: what happens to those that exist, which column is the key, what blanks mean, who counts."""

from __future__ import annotations

import pytest

from core.errors import Refused
from imports.actions import change_settings, overrule, set_mapping, start_batch
from imports.mapping import suggest
from imports.models import CsvBatch
from imports.preparing import saved_columns
from imports.states import BatchStatus
from imports.targets import get
from jobs.testing import run_until_idle
from messaging.actions.people import create_contact
from messaging.channels import Channel
from messaging.models import Contact, Suppression

TWO = "email,first name\nanna@example.com,New\nthabo@example.com,Thabo\n"


def outcome(batch: CsvBatch) -> dict[str, tuple[str, str]]:
    return {row.line: (row.status, row.error_code or row.effect) for row in batch.rows.all()}


@pytest.mark.parametrize(
    ("mode", "anna", "thabo", "name"),
    [
        ("upsert", ("succeeded", "updated"), ("succeeded", "created"), "New"),
        ("create", ("failed", "exists"), ("succeeded", "created"), "Anna"),
        ("update", ("succeeded", "updated"), ("failed", "not_found"), "New"),
        ("skip", ("skipped", "exists"), ("succeeded", "created"), "Anna"),
    ],
)
def test_the_mode_says_what_happens_to_those_that_exist(imported, mode, anna, thabo, name) -> None:
    create_contact(email="anna@example.com", first_name="Anna", actor="system")

    batch = imported(TWO, mode=mode)

    assert outcome(batch) == {2: anna, 3: thabo}
    assert Contact.objects.get(email="anna@example.com").first_name == name
    assert Contact.objects.count() == (1 if mode == "update" else 2)


def test_people_can_be_matched_by_number(imported) -> None:
    create_contact(phone="+27825550131", first_name="Old", actor="system")
    text = "phone,email,first name\n082 555 0131,anna@example.com,Anna\n082 555 0132,,Thabo\n"

    batch = imported(text, match="phone")

    assert outcome(batch) == {2: ("succeeded", "updated"), 3: ("succeeded", "created")}
    anna = Contact.objects.get(phone="+27825550131")
    assert (anna.email, anna.first_name) == ("anna@example.com", "Anna")
    assert Contact.objects.get(phone="+27825550132").email is None


def test_people_can_be_matched_by_id_which_nobody_makes_up(imported) -> None:
    anna = create_contact(email="anna@example.com", actor="system")
    gone = create_contact(email="gone@example.com", actor="system")
    gone.delete()
    text = f"id,email\n{anna.public_id},new@example.com\n{gone.public_id},x@example.com\nnobody,y@example.com\n"

    batch = imported(text, match="id")

    assert outcome(batch) == {
        2: ("succeeded", "updated"),
        3: ("failed", "not_found"),
        4: ("failed", "invalid_id"),
    }
    assert Contact.objects.get().email == "new@example.com"


def test_a_blank_keeps_or_erases_as_its_column_says(imported) -> None:
    create_contact(
        email="anna@example.com",
        phone="+27825550131",
        first_name="Anna",
        last_name="Nkosi",
        attributes={"town": "Durban", "team": "Red"},
        actor="system",
    )
    columns = [
        {"field": "email"},
        {"field": "phone", "blank": "erase"},
        {"field": "first_name", "blank": "erase"},
        {"field": "last_name", "blank": "keep"},
        {"field": "attribute:town", "blank": "erase"},
        {"field": "attribute:team", "blank": "keep"},
    ]

    batch = imported("e,p,f,l,town,team\nanna@example.com,,,,,\n", columns=columns)

    anna = Contact.objects.get()
    assert (anna.phone, anna.phone_hash, anna.first_name) == (None, "", "")
    assert (anna.last_name, anna.attributes) == ("Nkosi", {"team": "Red"})
    assert batch.rows.get().before == {
        "phone": "+27825550131",
        "first_name": "Anna",
        "attribute:town": "Durban",
    }
    again = imported("e,p,f,l,town,team\nanna@example.com,,,,,\n", columns=columns)
    assert again.unchanged == 1


@pytest.mark.parametrize(
    ("policy", "first", "second", "third", "name"),
    [
        ("first", "succeeded", "skipped", "skipped", "One"),
        ("last", "skipped", "skipped", "succeeded", "Three"),
        ("error", "failed", "failed", "failed", None),
    ],
)
def test_of_several_rows_about_one_person_the_policy_names_who_counts(
    imported, policy, first, second, third, name
) -> None:
    text = "email,first name\na@example.com,One\nb@example.com,B\nA@example.com,Two\n A@EXAMPLE.com ,Three\n"

    batch = imported(text, duplicates=policy)

    found = {line: status for line, (status, _) in outcome(batch).items()}
    assert found == {2: first, 3: "succeeded", 4: second, 5: third}
    names = Contact.objects.filter(email="a@example.com").values_list("first_name", flat=True)
    assert list(names) == ([name] if name else [])
    assert (batch.processed, batch.total) == (4, 4)


# --- what columns mean ----------------------------------------------------------------------------------------------


def test_what_was_said_of_columns_is_remembered_by_their_headings(imported) -> None:
    batch = imported("Who,What\na@example.com,x\n", go="wait")
    assert batch.status == BatchStatus.MAPPING
    assert [each["field"] for each in suggest(get("contacts"), batch.header)] == [
        "attribute:who",
        "attribute:what",
    ]
    columns = [{"field": "email"}, {"field": "last_name"}]

    set_mapping(batch, columns, actor="staff:alice")

    assert saved_columns(batch, ["what", "who"]) is None
    saved = saved_columns(batch, [" WHO ", "what"])
    assert [each["field"] for each in saved] == ["email", "last_name"]
    assert {each["by"] for each in suggest(get("contacts"), batch.header, saved=saved)} == {"saved"}
    assert imported("Who,What\nb@example.com,y\n").created == 1


def test_blank_and_repeated_headings_are_kept_by_their_place(imported) -> None:
    batch = imported("Phone,,Email,Phone\n1,2,a@example.com,3\n", go="wait")

    suggested = suggest(get("contacts"), batch.header)

    assert [(each["heading"], each["field"], each["note"]) for each in suggested] == [
        ("Phone", "phone", ""),
        ("column 2", "attribute:column_2", ""),
        ("Email", "email", ""),
        ("Phone", "attribute:phone_2", "Another column is the phone already."),
    ]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ([{"field": "email"}], "2 columns, and 1 are described"),
        ([{"field": "email"}, {"field": "email"}], "Two columns would become 'email'"),
        ([{"field": "email"}, {"field": "shoe_size"}], "cannot become 'shoe_size'"),
        ([{"field": "email"}, {"field": "attribute:Shoe size"}], "cannot become"),
        ([{"field": "email"}, {"field": "attribute:email"}], "cannot become"),
        ([{"field": "email"}, {"field": "", "blank": "burn"}], "cannot be 'burn'"),
        ([{"field": "email"}, 7], "cannot become None"),
        ([{"field": "first_name"}, {"field": ""}], "No column holds the e-mail address"),
    ],
)
def test_columns_that_do_not_fit_are_refused(imported, columns, words) -> None:
    batch = imported("a,b\na@example.com,x\n", go="wait")

    with pytest.raises(Refused, match=words):
        set_mapping(batch, columns, actor="staff:alice")

    batch.refresh_from_db()
    assert (batch.columns, batch.status) == ([], BatchStatus.MAPPING)


def test_a_file_is_read_anew_as_a_person_says(imported) -> None:
    batch = imported("email;name\na@example.com;x,y\n", go="wait")
    assert batch.header == ["email", "name"]

    overrule(batch, delimiter=",", header_line=0, actor="staff:alice")
    run_until_idle()

    batch.refresh_from_db()
    assert (batch.status, batch.header, batch.total) == ("mapping", ["column 1", "column 2"], 2)
    overrule(batch, delimiter="", header_line=1, actor="staff:alice")
    run_until_idle()
    batch.refresh_from_db()
    assert (batch.header, batch.total) == (["email", "name"], 1)


def test_settings_can_change_until_the_import_starts(imported) -> None:
    batch = imported("email,phone\na@example.com,020 7946 0078\n", go="wait")
    set_mapping(batch, [{"field": "email"}, {"field": "phone"}], actor="staff:alice")
    change_settings(batch, options={"default_region": "GB"}, mode="create", actor="staff:alice")
    start_batch(batch, actor="staff:alice")

    with pytest.raises(Refused, match="is importing"):
        change_settings(batch, mode="upsert", actor="staff:alice")
    with pytest.raises(Refused, match="written already"):
        overrule(batch, delimiter=";", actor="staff:alice")
    run_until_idle()

    assert Contact.objects.get().phone == "+442079460078"


# --- suppressions -----------------------------------------------------------------------------------------------------


def test_addresses_become_suppressions_and_those_that_stand_stay(imported) -> None:
    text = "E-mail,Reason\nA@example.com,bounced\nb@example.com,\nc@example.com,boredom\n"

    batch = imported(text, target="suppressions")
    again = imported(text, target="suppressions", options={"reason": "complained"})

    assert (batch.created, batch.warned) == (3, 1)
    assert (again.created, again.skipped) == (0, 3)
    found = Suppression.objects.values_list("channel", "reason", "source")
    assert sorted(found) == [
        ("email", "bounced", f"import {batch.public_id}"),
        ("email", "manual", f"import {batch.public_id}"),
        ("email", "manual", f"import {batch.public_id}"),
    ]


def test_numbers_become_suppressions_of_sms(imported) -> None:
    options = {"channel": "sms", "default_region": "ZA"}

    imported("phone\n082 555 0131\n", target="suppressions", options=options)

    contact = create_contact(phone="+27825550131", actor="system")
    [suppression] = Suppression.objects.all()
    assert suppression.channel == Channel.SMS
    assert suppression.address_hash == contact.phone_hash
