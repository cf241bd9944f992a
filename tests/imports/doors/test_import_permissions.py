"""Every verb of an import asks for its right; who lacks it changes nothing."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission

from imports.models import CsvBatch, StoredFile
from jobs.testing import run_until_idle
from messaging.models import Contact
from tests.conftest import staff

VERBS = ["dry-run", "confirm", "pause", "resume", "cancel", "retry-failed", "undo", "reading"]
BUTTONS = ["start", "pause", "resume", "cancel", "retry", "undo", "reading", "columns"]
READS = ["", "/preview", "/rows", "/error-file"]


@pytest.mark.parametrize("who", ["bob", "charlie"])
def test_who_may_not_import_uploads_nothing(who, request, client_of, hand_in, var_dir) -> None:
    client = client_of(request.getfixturevalue(who))

    answer = hand_in(client, "email\na@example.com\n")

    assert answer.status_code == 403 or "login" in answer["Location"]
    assert CsvBatch.objects.count() == StoredFile.objects.count() == 0
    assert not list(var_dir.glob("imports/*"))


@pytest.mark.parametrize("button", BUTTONS)
def test_who_looks_on_presses_no_button(bob, client_of, imported, place, button) -> None:
    batch = imported("email\nnobody\na@example.com\n")

    assert client_of(bob).post(place(batch, button)).status_code == 403
    batch.refresh_from_db()
    assert batch.status == "completed"


def test_who_looks_on_sees_everything_else(bob, client_of, imported, place) -> None:
    batch = imported("email\nnobody\na@example.com\n")
    client = client_of(bob)

    page = client.get(place(batch, "change"))
    assert page.status_code == 200
    assert page.context["buttons"] == []
    assert client.get(place(batch, "errors")).status_code == 200
    assert client.get("/admin/imports/csvrow/").status_code == 200


def test_a_forged_upload_is_refused(oscar, client_of, hand_in) -> None:
    answer = hand_in(client_of(oscar, enforce_csrf_checks=True), "email\na@example.com\n")

    assert answer.status_code == 403
    assert CsvBatch.objects.count() == 0


def test_a_target_asks_for_the_right_to_what_it_writes(client_of, hand_in, bob) -> None:
    right = Permission.objects.get(codename="add_csvbatch")
    bob.user_permissions.add(right)

    answer = hand_in(client_of(bob), "email\na@example.com\n")

    assert answer.status_code == 422
    assert "You may not import into contacts." in answer.content.decode()
    assert CsvBatch.objects.count() == 0


@pytest.mark.parametrize("verb", VERBS)
def test_a_key_without_the_scope_is_told_which_it_lacks(api, imported, verb) -> None:
    batch = imported("email\nnobody\na@example.com\n")

    answer = api("imports:read").post(f"/api/v1/imports/{batch.public_id}/{verb}", {})

    assert (answer.status_code, answer.json()["code"]) == (403, "missing_scope")
    batch.refresh_from_db()
    assert (batch.status, Contact.objects.count()) == ("completed", 1)


def test_a_key_that_only_writes_uploads_but_neither_maps_others_nor_looks(api, imported) -> None:
    batch = imported("email\na@example.com\n")

    for tail in READS:
        assert (
            api("contacts:read").get(f"/api/v1/imports/{batch.public_id}{tail}").status_code == 403
        )
    answer = api("imports:read").put(f"/api/v1/imports/{batch.public_id}/mapping", {})
    assert answer.status_code == 403


def test_who_may_not_start_an_import_cannot_start_it_by_uploading(api, send) -> None:
    answer = send(api("imports:write"), "email\na@example.com\n", go="import")

    run_until_idle()
    assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed")
    assert CsvBatch.objects.count() == Contact.objects.count() == 0


def test_without_a_key_nothing_is_taken(api, send) -> None:
    assert send(api(), "email\na@example.com\n").status_code == 401
    assert CsvBatch.objects.count() == 0


def test_an_operator_undoes_and_a_viewer_does_not(oscar, client_of, imported, place) -> None:
    batch = imported("email\na@example.com\n")

    assert client_of(staff("vera", "viewer")).post(place(batch, "undo")).status_code == 403
    assert client_of(oscar).post(place(batch, "undo")).status_code == 302
    run_until_idle()
    assert Contact.objects.count() == 0
