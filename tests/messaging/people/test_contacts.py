"""A person is known by one e-mail address, one number, or both, and only once."""

from __future__ import annotations

import pytest

from core.errors import Conflict, Refused
from core.models import AuditEntry
from messaging.actions.people import (
    add_to_list,
    create_contact,
    create_list,
    find_or_create_list,
    remove_from_list,
    update_contact,
)
from messaging.addresses import address_hash
from messaging.models import Contact, ListMember


def test_a_contact_is_kept_normalised_with_its_hashes(db) -> None:
    contact = create_contact(
        email=" Thabo@Example.com",
        phone="082 555 0134",
        first_name=" Thabo ",
        time_zone="africa/johannesburg",
        attributes={"company": "Acme", "size": 3},
        actor="staff:alice",
    )

    contact.refresh_from_db()
    assert (contact.email, contact.phone) == ("thabo@example.com", "+27825550134")
    assert contact.email_hash == address_hash("thabo@example.com")
    assert contact.phone_hash == address_hash("+27825550134")
    assert (contact.first_name, contact.time_zone) == ("Thabo", "Africa/Johannesburg")
    assert contact.attributes == {"company": "Acme", "size": 3}
    assert contact.public_id.startswith("con_")


def test_the_audit_names_the_contact_and_no_address(db) -> None:
    contact = create_contact(email="thabo@example.com", actor="staff:alice")

    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.object_id) == ("contact.created", contact.public_id)
    assert "thabo" not in str(entry.detail)


def test_an_address_that_is_taken_names_who_has_it(thandi: Contact) -> None:
    with pytest.raises(Conflict) as conflict:
        create_contact(email="THANDI@example.com", actor="system")

    assert thandi.public_id in str(conflict.value)
    assert (conflict.value.field, conflict.value.value) == ("email", "thandi@example.com")
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({}, "email"),
        ({"email": "nobody"}, "email"),
        ({"phone": "12"}, "phone"),
        ({"email": "a@example.com", "time_zone": "Mars/Base"}, "time_zone"),
        ({"email": "a@example.com", "first_name": "x" * 121}, "first_name"),
        ({"email": "a@example.com", "first_name": "a\0b"}, "first_name"),
        ({"email": "a@example.com", "first_name": "a\ud800"}, "first_name"),
        ({"email": "a@example.com", "first_name": 7}, "first_name"),
        ({"email": "a@example.com", "attributes": ["x"]}, "attributes"),
        ({"email": "a@example.com", "attributes": {"Not a name": 1}}, "attributes"),
        ({"email": "a@example.com", "attributes": {"x": "a\0b"}}, "attributes"),
        ({"email": "a@example.com", "attributes": {"x": float("nan")}}, "attributes"),
        ({"email": "a@example.com", "attributes": {"x": "y" * 17_000}}, "attributes"),
    ],
)
def test_bad_details_are_refused_by_name_and_nothing_is_kept(db, details, field) -> None:
    with pytest.raises(Refused) as refusal:
        create_contact(actor="system", **details)

    assert refusal.value.field == field
    assert refusal.value.remedy
    assert Contact.objects.count() == 0
    assert AuditEntry.objects.count() == 0


def test_an_update_changes_what_it_names_and_nothing_else(thandi: Contact) -> None:
    update_contact(thandi, email="Thandi@Example.org", first_name="Thandiwe", actor="system")

    thandi.refresh_from_db()
    assert (thandi.email, thandi.email_hash) == (
        "thandi@example.org",
        address_hash("thandi@example.org"),
    )
    assert (thandi.first_name, thandi.last_name) == ("Thandiwe", "Adams")
    entry = AuditEntry.objects.get(verb="contact.updated")
    assert entry.detail == {"fields": ["email", "first_name"]}


def test_an_update_that_changes_nothing_writes_nothing(thandi: Contact) -> None:
    before = thandi.updated_at

    update_contact(thandi, email="THANDI@example.com", first_name="Thandi", actor="system")

    thandi.refresh_from_db()
    assert thandi.updated_at == before
    assert not AuditEntry.objects.filter(verb="contact.updated").exists()


def test_an_update_to_a_taken_address_is_a_conflict(thandi: Contact, sipho: Contact) -> None:
    with pytest.raises(Conflict, match=thandi.public_id):
        update_contact(sipho, email="thandi@example.com", actor="system")

    sipho.refresh_from_db()
    assert sipho.email == "sipho@example.com"


def test_people_are_on_a_list_once(thandi: Contact, sipho: Contact) -> None:
    news = create_list(name="News", actor="system")

    assert add_to_list(news, [thandi], actor="system") == 1
    assert add_to_list(news, [thandi, sipho], actor="system") == 1
    assert ListMember.objects.filter(list=news).count() == 2
    assert remove_from_list(news, [thandi], actor="system") == 1
    assert list(news.contacts.all()) == [sipho]


def test_a_list_is_found_by_its_name_in_any_case(db) -> None:
    news = create_list(name=" News ", actor="system")

    assert find_or_create_list(name="NEWS", actor="system") == news
    with pytest.raises(Conflict, match="already a list named 'news'"):
        create_list(name="news", actor="system")
    with pytest.raises(Refused, match="needs a name"):
        create_list(name="  ", actor="system")
