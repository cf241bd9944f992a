"""Staff load a file in the admin, and see what came of it."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imports.models import ImportBatch
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.models import Contact, ContactList

ADD = "/admin/imports/importbatch/add/"


def upload(client, content: str, **fields: str):
    file = SimpleUploadedFile("people.csv", content.encode(), content_type="text/csv")
    form = {"file": file, "list_name": "", "consent_source": "", "consent_wording": "", **fields}
    return client.post(ADD, form, follow=True)


def test_a_file_is_loaded_and_its_page_shows_what_was_not_taken(oscar, client_of) -> None:
    client = client_of(oscar)

    page = upload(client, "email\na@example.com\nnobody\n", list_name="News", consent_source="fair")
    run_until_idle()

    batch = ImportBatch.objects.get()
    assert b"people.csv is being imported. Rows: 2." in page.content
    assert (batch.actor, batch.file_name) == ("staff:oscar", "people.csv")
    assert Contact.objects.get().lists.get().name == "News"
    shown = client.get(f"/admin/imports/importbatch/{batch.pk}/change/").content.decode()
    assert "2 of 2 rows" in shown
    rejected = (
        f"/admin/imports/importrejection/?batch__id__exact={batch.pk}&amp;is_whole_row__exact=1"
    )
    assert f'<a href="{rejected}">1</a>' in shown
    assert client.get(rejected.replace("&amp;", "&")).context["cl"].result_count == 1
    assert "&#x27;nobody&#x27; is not an e-mail address" in shown


def test_a_file_without_contacts_is_refused_in_words(oscar, client_of) -> None:
    page = upload(client_of(oscar), "name\nThabo\n", list_name="News")

    assert b"No column holds e-mail addresses." in page.content
    assert ImportBatch.objects.count() == Run.objects.count() == ContactList.objects.count() == 0


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_who_may_not_import_does_not(who, request, client_of) -> None:
    client = client_of(request.getfixturevalue(who))

    response = upload(client, "email\na@example.com\n")

    assert response.status_code == 403 or "login" in response.request["PATH_INFO"]
    assert ImportBatch.objects.count() == 0


def test_every_page_opens_and_the_list_costs_the_same(
    imported, alice, client_of, django_assert_max_num_queries
) -> None:
    client = client_of(alice)
    batch = imported("email,phone\na@example.com,1\nb\n")
    imported("email\nb@example.com\n")

    with django_assert_max_num_queries(12):
        assert client.get("/admin/imports/importbatch/").status_code == 200
    assert client.get("/admin/imports/importrejection/").status_code == 200
    assert client.get(f"/admin/imports/importbatch/{batch.pk}/panel/").status_code == 200
    assert client.get(ADD).status_code == 200


def test_a_file_that_is_refused_leaves_the_form_as_it_was_filled_in(oscar, client_of) -> None:
    page = upload(client_of(oscar), "name\nThabo\n", list_name="News", consent_source="fair")

    form = page.context["adminform"].form
    assert form.errors["file"] == [
        "No column holds e-mail addresses. The columns are: name. "
        "Name one of: email, e_mail, mail, email_address, e_mail_address."
    ]
    assert (form["list_name"].value(), form["consent_source"].value()) == ("News", "fair")
    assert ImportBatch.objects.count() == 0
