"""Staff take a file from the upload to its report, and see before they start what it would do."""

from __future__ import annotations

import csv
from datetime import timedelta
from io import StringIO

import pytest

from core import clock
from imports.actions import undo_batch
from imports.looks import figures_of
from imports.models import CsvBatch, CsvRow
from jobs.testing import run_until_idle
from messaging.models import Contact

PEOPLE = "email,name,phone\na@example.com,Anna,082 555 0134\nnobody,Bob,\nc@example.com,Chris,\n"
COLUMNS = {
    "field-0": "email",
    "field-1": "first_name",
    "field-2": "phone",
    **{f"blank-{place}": "keep" for place in range(3)},
}
SETTINGS = {
    "mode": "upsert",
    "match": "email",
    "duplicates": "first",
    "bad_values": "leave_out",
    "option-list_name": "News",
    "option-consent_source": "fair",
    "option-consent_wording": "",
    "option-consent_channels": ["email"],
    "option-default_region": "ZA",
}


def test_a_file_goes_from_the_upload_to_its_report(oscar, client_of, hand_in, place) -> None:
    client = client_of(oscar)

    answer = hand_in(client, PEOPLE)
    batch = CsvBatch.objects.get()
    assert answer["Location"] == place(batch, "reading")
    assert "Reading the file …" in client.get(answer["Location"]).content.decode()

    run_until_idle()
    reading = client.get(place(batch, "reading")).content.decode()
    assert "Is it read rightly?" in reading
    assert "<td>a@example.com</td><td>Anna</td><td>082 555 0134</td>" in reading
    assert client.post(place(batch, "reading"), as_read(client, batch, place))["Location"] == (
        place(batch, "columns")
    )

    columns = client.get(place(batch, "columns")).content.decode()
    assert "by its name" in columns
    answer = client.post(place(batch, "columns"), {**COLUMNS, **SETTINGS})
    assert answer["Location"] == place(batch, "change")

    run_until_idle()
    check = client.get(place(batch, "change")).content.decode()
    assert "This is what it would do" in check
    assert "Import 2 rows" in check
    assert Contact.objects.count() == 0

    client.post(place(batch, "start"))
    run_until_idle()
    report = client.get(place(batch, "change")).content.decode()
    assert "Completed with errors" in report
    assert "&#x27;nobody&#x27; is not an e-mail address" in report
    batch.refresh_from_db()
    assert (batch.created, batch.failed, batch.processed, batch.total) == (2, 1, 3, 3)
    assert {contact.lists.get().name for contact in Contact.objects.all()} == {"News"}


def as_read(client, batch, place) -> dict[str, str]:
    """Return the form of the reading page as it stands there."""
    form = client.get(place(batch, "reading")).context["form"]
    return {name: str(form.initial[name]) for name in form.fields}


def test_a_wrong_guess_is_overruled_with_a_preview_first(oscar, client_of, created, place) -> None:
    client = client_of(oscar)
    batch = created("Umfrage\nemail;name\na@example.com;Müller\n".encode("cp1252"))
    run_until_idle()
    form = {**as_read(client, batch, place), "header_line": "1"}

    preview = client.get(place(batch, "preview"), form).content.decode()
    batch.refresh_from_db()
    assert '<th scope="col">Umfrage</th>' in preview
    assert batch.layout["header_line"] == 2

    client.post(place(batch, "reading"), form)
    run_until_idle()
    batch.refresh_from_db()
    assert (batch.layout["header_line"], batch.header[0]) == (1, "Umfrage")


def test_a_file_whose_letters_nobody_can_tell_asks_for_its_encoding(
    oscar, client_of, created, place
) -> None:
    """A guess would read names wrong, so a person chooses."""
    client = client_of(oscar)
    batch = created(
        "email,name\na@example.com,José Müller\nb@example.com,Zoë Düring\n".encode("mac-roman")
    )
    run_until_idle()

    page = client.get(place(batch, "reading"))
    batch.refresh_from_db()
    assert batch.status == "failed"
    assert "Read it in another way" in client.get(place(batch, "change")).content.decode()
    assert page.status_code == 200
    client.post(place(batch, "reading"), {**as_read(client, batch, place), "encoding": "mac-roman"})
    run_until_idle()
    batch.refresh_from_db()
    assert (batch.status, batch.sample[0][1][1]) == ("mapping", "José Müller")


def test_what_was_chosen_is_remembered_for_the_same_headings(
    oscar, client_of, created, place
) -> None:
    client = client_of(oscar)
    first = created(PEOPLE)
    run_until_idle()
    client.post(place(first, "columns"), {**COLUMNS, "field-1": "last_name", **SETTINGS})
    second = created(PEOPLE.replace("Anna", "Zoë"))
    run_until_idle()

    page = client.get(place(second, "columns"))

    lines = page.context["lines"]
    assert [(line.by, line.field.value()) for line in lines] == [
        ("saved", "email"),
        ("saved", "last_name"),
        ("saved", "phone"),
    ]
    assert "Every column means what it meant" in page.content.decode()


def test_columns_that_do_not_fit_are_refused_and_the_form_stays_as_it_was(
    oscar, client_of, created, place
) -> None:
    client = client_of(oscar)
    batch = created(PEOPLE)
    run_until_idle()

    page = client.post(place(batch, "columns"), {**COLUMNS, "field-1": "email", **SETTINGS})

    batch.refresh_from_db()
    assert page.status_code == 422
    assert "Two columns would become" in page.content.decode()
    assert page.context["settings"]["option-list_name"].value() == "News"
    assert (batch.status, batch.columns, batch.options.get("list_name", "")) == ("mapping", [], "")


def test_headings_that_occur_twice_or_not_at_all_are_told_apart_by_their_place(
    oscar, client_of, created, place
) -> None:
    client = client_of(oscar)
    batch = created("email,phone,,phone\na@example.com,1,x,2\n")
    run_until_idle()

    lines = client.get(place(batch, "columns")).context["lines"]

    assert [line.number for line in lines] == [1, 2, 3, 4]
    assert [line.field.value() for line in lines] == [
        "email",
        "phone",
        "attribute:column_3",
        "attribute:phone_2",
    ]


def test_the_same_file_again_is_pointed_out(oscar, client_of, imported, created, place) -> None:
    earlier = imported("email\na@example.com\n")
    batch = created("email\na@example.com\n")

    page = client_of(oscar).get(place(batch, "change")).content.decode()

    assert "This file was imported before" in page
    assert f'href="{place(earlier, "change")}"' in page


def test_by_script_the_upload_answers_where_to_go_or_why_not(oscar, client_of, hand_in) -> None:
    client = client_of(oscar)

    good = hand_in(client, PEOPLE, by_script=True)
    bad = hand_in(client, b"\x1f\x8b\x08\x00", by_script=True)

    batch = CsvBatch.objects.get()
    assert (good.status_code, good.json()) == (
        201,
        {"location": f"/admin/imports/csvbatch/{batch.pk}/reading/"},
    )
    assert (bad.status_code, bad.json()["error"]) == (
        422,
        "The file is compressed (gzip), not a table. Unpack it, and import what is in it.",
    )


def test_without_a_script_a_refusal_stands_on_the_page(oscar, client_of, hand_in) -> None:
    page = hand_in(client_of(oscar), "")

    assert page.status_code == 422
    assert "The file is empty." in page.content.decode()
    assert CsvBatch.objects.count() == 0


def test_failed_rows_are_downloaded_corrected_and_come_back(
    oscar, client_of, imported, place
) -> None:
    batch = imported("email,name\nnobody,Bob\na@example.com,=SUM(1)\n")

    answer = client_of(oscar).get(place(batch, "errors"))

    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert answer["Content-Disposition"] == 'attachment; filename="people errors.csv"'
    rows = list(csv.reader(StringIO(text)))
    assert rows[0] == ["email", "name", "_error_line", "_error_column", "_error_code", "_error"]
    assert rows[1][:5] == ["nobody", "Bob", "2", "email", "invalid_email"]
    again = imported(text.replace("nobody", "bob@example.com"))
    assert (again.created, again.failed) == (1, 0)


def test_the_buttons_follow_the_status(alice, client_of, imported, place) -> None:
    batch = imported("email,name\nnobody,Bob\na@example.com,Anna\n")
    client = client_of(alice)

    def offered() -> list[str]:
        page = client.get(place(batch, "change"))
        return [entry["button"].name for entry in page.context["buttons"]]

    def why_not(name: str) -> str:
        page = client.get(place(batch, "change"))
        return next(
            each["reason"] for each in page.context["buttons"] if each["button"].name == name
        )

    assert offered() == ["retry", "undo"]
    client.post(place(batch, "retry"))
    child = CsvBatch.objects.get(parent=batch)
    run_until_idle()
    child.refresh_from_db()
    assert (child.total, child.failed) == (1, 1)
    assert why_not("retry") == f"They are tried again in {child.public_id}."
    client.post(place(batch, "undo"))
    run_until_idle()
    batch.refresh_from_db()
    assert (batch.status, batch.undone, Contact.objects.count()) == ("undone", 1, 0)
    assert offered() == []


def test_a_running_import_is_paused_resumed_and_cancelled(alice, client_of, created, place) -> None:
    batch = created("email\na@example.com\n", go="import")
    CsvBatch.objects.filter(pk=batch.pk).update(status="importing", total=1)
    client = client_of(alice)

    for verb, status in [("pause", "paused"), ("resume", "importing"), ("cancel", "cancelled")]:
        client.post(place(batch, verb))
        batch.refresh_from_db()
        assert batch.status == status


def test_the_rows_behind_a_number_are_listed(alice, client_of, imported) -> None:
    batch = imported("email\nnobody\na@example.com\n")
    [failed] = [figure for figure in figures_of(batch) if figure.key == "failed"]

    listed = client_of(alice).get(failed.url)

    assert [row.line for row in listed.context["cl"].result_list] == [2]


def test_the_list_costs_the_same_however_long_it_is(
    alice, client_of, imported, django_assert_max_num_queries
) -> None:
    imported("email\na@example.com\n")
    imported("email\nb@example.com\n")

    client = client_of(alice)

    with django_assert_max_num_queries(12):
        page = client.get("/admin/imports/csvbatch/")
    assert page.status_code == 200
    assert CsvRow.objects.count() == 2


@pytest.mark.parametrize("page", ["reading", "columns"])
def test_what_has_started_is_no_longer_described(alice, client_of, imported, place, page) -> None:
    batch = imported("email\na@example.com\n")

    assert client_of(alice).get(place(batch, page))["Location"] == place(batch, "change")


def test_an_undone_import_says_how_much_was_taken_back(imported, alice, client_of) -> None:
    batch = imported("email\na@example.com\nb@example.com\n")
    undo_batch(batch, actor="staff:alice")
    with clock.travel(by=timedelta(hours=3)):
        run_until_idle()

    page = client_of(alice).get(f"/admin/imports/csvbatch/{batch.pk}/change/").content.decode()

    assert "Taken back" in page
    assert "3:00:0" not in page
