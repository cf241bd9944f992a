"""Contacts over HTTP: created once, with their consent, and read back."""

from __future__ import annotations

import pytest

from messaging.models import Consent, ConsentEvent, Contact

URL = "/api/v1/contacts"
THABO = {
    "email": "Thabo@Example.com",
    "phone": "082 555 0134",
    "first_name": "Thabo",
    "time_zone": "Africa/Johannesburg",
    "attributes": {"company": "Acme"},
    "consents": [{"channel": "email", "source": "sign-up form", "wording": "Write to me"}],
}


def test_a_contact_is_created_with_its_consent(api) -> None:
    response = api("contacts:write").post(URL, THABO)

    contact = Contact.objects.get()
    body = response.json()
    assert response.status_code == 201
    assert response["Location"] == f"{URL}/{contact.public_id}"
    assert (body["id"], body["email"]) == (contact.public_id, "thabo@example.com")
    assert (body["phone"], body["attributes"]) == ("+27825550134", {"company": "Acme"})
    assert [(each["channel"], each["state"]) for each in body["consents"]] == [("email", "granted")]
    event = ConsentEvent.objects.get()
    assert (event.source, event.wording) == ("sign-up form", "Write to me")
    assert event.actor.startswith("key:")


def test_a_taken_address_is_a_conflict_that_names_who_has_it(api, thandi: Contact) -> None:
    response = api("contacts:write").post(URL, {"email": "THANDI@example.com"})

    assert response.status_code == 409
    assert response["Content-Type"] == "application/problem+json"
    assert thandi.public_id in response.json()["detail"]
    assert response.json()["errors"][0]["pointer"] == "#/email"
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 422, "#/email"),
        ({"email": "nobody"}, 422, "#/email"),
        ({"email": "a@example.com", "time_zone": "Mars"}, 422, "#/time_zone"),
        ({"email": "a@example.com", "attributes": {"A b": 1}}, 422, "#/attributes"),
        ({"email": "a@example.com", "attributes": 7}, 400, "#/attributes"),
        ({"email": "a@example.com", "consents": [{"channel": "fax"}]}, 400, "#/consents/0/channel"),
        (
            {"email": "a@example.com", "consents": [{"channel": "email", "source": ""}]},
            400,
            "#/consents/0/source",
        ),
    ],
)
def test_a_bad_body_is_refused_by_name_and_nothing_is_kept(api, body, status, pointer) -> None:
    response = api("contacts:write").post(URL, body)

    assert response.status_code == status
    assert response.json()["errors"][0]["pointer"] == pointer
    assert Contact.objects.count() == 0
    assert Consent.objects.count() == 0


def test_a_body_that_is_not_json_is_refused(api) -> None:
    response = api("contacts:write").post(URL, "email=a", content_type="application/json")

    assert (response.status_code, response.json()["code"]) == (400, "not_json")
    assert Contact.objects.count() == 0


def test_a_contact_is_read_by_its_id(api, thandi: Contact) -> None:
    reader = api("contacts:read")

    assert reader.get(f"{URL}/{thandi.public_id}").json()["email"] == "thandi@example.com"
    assert reader.get(f"{URL}/con_nobody").status_code == 404


def test_contacts_are_listed_newest_first_and_found_by_address(
    api, thandi: Contact, sipho: Contact
) -> None:
    reader = api("contacts:read")

    listed = [each["id"] for each in reader.get(URL).json()["results"]]
    found = reader.get(URL, {"email": "THANDI@example.com"}).json()["results"]

    assert listed == [sipho.public_id, thandi.public_id]
    assert [each["id"] for each in found] == [thandi.public_id]


def test_a_page_costs_the_same_whatever_is_on_it(
    api, thandi: Contact, sipho: Contact, django_assert_max_num_queries
) -> None:
    reader = api("contacts:read")

    with django_assert_max_num_queries(5):
        reader.get(URL)


@pytest.mark.parametrize(
    ("scope", "method"), [("contacts:read", "post"), ("contacts:write", "get")]
)
def test_a_key_without_the_scope_does_nothing(api, scope: str, method: str) -> None:
    response = getattr(api(scope), method)(URL, THABO)

    assert response.status_code == 403
    assert Contact.objects.count() == 0


def test_nobody_comes_in_without_a_key(api, db) -> None:
    assert api().post(URL, THABO).status_code == 401
    assert Contact.objects.count() == 0


def test_a_repeated_request_creates_one_contact(api) -> None:
    caller = api("contacts:write")

    first = caller.post(URL, THABO, headers={"Idempotency-Key": "k1"})
    again = caller.post(URL, THABO, headers={"Idempotency-Key": "k1"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert Contact.objects.count() == 1


def test_a_member_nobody_knows_is_refused_and_nothing_is_created(api) -> None:
    body = {"email": "a@example.com", "consent": {"channel": "email", "source": "form"}}

    response = api("contacts:write").post(URL, body)

    [error] = response.json()["errors"]
    assert response.status_code == 400
    assert (error["pointer"], error["code"]) == ("#/consent", "unknown")
    assert error["detail"].startswith("There is no such member. Known are: attributes, consents, ")
    assert Contact.objects.count() == 0
