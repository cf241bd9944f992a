"""Staff load a file in the admin, and see what came of it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports.models import CsvBatch
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.models import Contact, ContactList

ADD = "/admin/imports/csvbatch/add/"


def upload(client, content: str, **fields: str):
    file = SimpleUploadedFile("people.csv", content.encode(), content_type="text/csv")
    form = {"file": file, "list_name": "", "consent_source": "", "consent_wording": "", **fields}
    return client.post(ADD, form, follow=True)


def test_a_file_is_loaded_and_its_page_shows_what_was_not_taken(oscar, client_of) -> None:
    client = client_of(oscar)

    page = upload(client, "email\na@example.com\nnobody\n", list_name="News", consent_source="fair")
    run_until_idle()

    batch = CsvBatch.objects.get()
    assert b"people.csv is being imported." in page.content
    assert (batch.actor, batch.file_name) == ("staff:oscar", "people.csv")
    assert Contact.objects.get().lists.get().name == "News"
    shown = client.get(f"/admin/imports/csvbatch/{batch.pk}/change/").content.decode()
    assert "2 of 2 rows" in shown
    assert "&#x27;nobody&#x27; is not an e-mail address" in shown


def test_a_file_without_contacts_is_refused_in_words(oscar, client_of) -> None:
    page = upload(client_of(oscar), "name\nThabo\n", list_name="News")

    assert b"No column holds the e-mail address" in page.content
    assert CsvBatch.objects.count() == Run.objects.count() == ContactList.objects.count() == 0


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_who_may_not_import_does_not(who, request, client_of) -> None:
    client = client_of(request.getfixturevalue(who))

    response = upload(client, "email\na@example.com\n")

    assert response.status_code == 403 or "login" in response.request["PATH_INFO"]
    assert CsvBatch.objects.count() == 0


def test_every_page_opens_and_the_list_costs_the_same(
    imported, alice, client_of, django_assert_max_num_queries
) -> None:
    client = client_of(alice)
    batch = imported("email,phone\na@example.com,1\nb\n")
    imported("email\nb@example.com\n")

    with django_assert_max_num_queries(12):
        assert client.get("/admin/imports/csvbatch/").status_code == 200
    assert client.get("/admin/imports/csvrow/").status_code == 200
    assert client.get(f"/admin/imports/csvbatch/{batch.pk}/panel/").status_code == 200
    assert client.get(ADD).status_code == 200
