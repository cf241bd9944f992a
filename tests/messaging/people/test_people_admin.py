"""Staff write templates and look after people; every page opens, none changes anything by GET."""

from __future__ import annotations

import pytest

from messaging.actions.consent import suppress_address
from messaging.actions.people import create_contact, create_list
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentEvent,
    Contact,
    ContactList,
    Suppression,
    SuppressionReason,
    Template,
    TemplateVersion,
)

CONTACTS = "/admin/messaging/contact/"
TEMPLATES = "/admin/messaging/template/"
LISTS = "/admin/messaging/contactlist/"
NO_INLINE = {
    "consent_events-TOTAL_FORMS": "0",
    "consent_events-INITIAL_FORMS": "0",
    "versions-TOTAL_FORMS": "0",
    "versions-INITIAL_FORMS": "0",
}


@pytest.fixture
def staff(alice, client_of):
    return client_of(alice)


@pytest.fixture
def welcome(db) -> Template:
    template = create_template(name="Welcome", actor="system")
    html = "<p>Dear {{ contact.first_name }} of {{ contact.attributes.company }}</p>"
    save_version(template, subject="Hello", html=html, actor="system")
    return template


def contact_form(**fields: str) -> dict[str, str]:
    names = ("email", "phone", "first_name", "last_name", "time_zone", "locale")
    return {**dict.fromkeys(names, ""), "attributes": "{}", **NO_INLINE, **fields}


def test_a_contact_is_created_through_the_action(staff) -> None:
    staff.post(f"{CONTACTS}add/", contact_form(email="Thabo@Example.com", phone="082 555 0134"))

    contact = Contact.objects.get()
    assert (contact.email, contact.phone) == ("thabo@example.com", "+27825550134")
    assert len(contact.email_hash) == 64


def test_a_contact_is_changed_and_its_hash_with_it(staff, thandi: Contact) -> None:
    form = contact_form(email="new@example.com", first_name="Thandi", attributes='{"a": 1}')

    staff.post(f"{CONTACTS}{thandi.pk}/change/", form)

    before = thandi.email_hash
    thandi.refresh_from_db()
    assert (thandi.email, thandi.attributes, thandi.last_name) == ("new@example.com", {"a": 1}, "")
    assert thandi.email_hash != before


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"email": "nobody"}, "is not an e-mail address"),
        ({"email": "a@example.com", "time_zone": "Mars"}, "is not a time zone"),
        ({"email": "a@example.com", "attributes": '{"A b": 1}'}, "cannot name an attribute"),
        ({}, "needs an e-mail address or a phone number"),
    ],
)
def test_a_refused_contact_says_why_and_is_not_kept(staff, fields, words) -> None:
    response = staff.post(f"{CONTACTS}add/", contact_form(**fields))

    assert response.status_code == 200
    assert words in response.content.decode()
    assert Contact.objects.count() == 0


@pytest.mark.parametrize("term", ["thandi@", "THANDI", "Adams", "adam", "{id}"])
def test_people_are_found_by_what_they_begin_with(staff, thandi, sipho, term: str) -> None:
    page = staff.get(CONTACTS, {"q": term.format(id=thandi.public_id)}).content.decode()

    assert "thandi@example.com" in page
    assert "sipho@example.com" not in page


def test_consent_is_recorded_and_withdrawn_by_buttons(staff, sipho: Contact) -> None:
    page = f"{CONTACTS}{sipho.pk}"
    answers = {"channel": "email", "source": "telephone", "wording": ""}

    staff.get(f"{page}/give/")
    assert Consent.objects.count() == 0
    staff.post(f"{page}/give/", answers)
    assert Consent.objects.get().state == "granted"
    staff.post(f"{page}/withdraw/", answers)

    assert Consent.objects.get().state == "withdrawn"
    assert set(ConsentEvent.objects.values_list("actor", flat=True)) == {"staff:alice"}
    assert "telephone" in staff.get(f"{page}/change/").content.decode()


def test_an_address_is_suppressed_found_and_lifted(staff, thandi: Contact) -> None:
    staff.post(f"{CONTACTS}{thandi.pk}/suppress/")
    suppression = Suppression.objects.get()
    url = "/admin/messaging/suppression/"

    assert f"/{suppression.pk}/" in staff.get(url, {"q": "Thandi@example.com"}).content.decode()
    assert f"/{suppression.pk}/" not in staff.get(url, {"q": "x@example.com"}).content.decode()
    staff.post(f"{url}{suppression.pk}/lift/")
    assert Suppression.objects.count() == 0


def test_a_list_is_made_and_renamed(staff) -> None:
    staff.post(f"{LISTS}add/", {"name": "News"})
    news = ContactList.objects.get()
    staff.post(f"{LISTS}{news.pk}/change/", {"name": "Monthly news"})

    news.refresh_from_db()
    assert news.name == "Monthly news"


def template_form(**fields: str) -> dict[str, str]:
    blank = {"name": "", "channel": "email", "subject": "", "html": "", "text": ""}
    return {**blank, **NO_INLINE, **fields}


def test_a_template_is_written_and_written_again(staff) -> None:
    form = template_form(name="Welcome", subject="Hello", html="<p>One</p>")
    staff.post(f"{TEMPLATES}add/", form)
    template = Template.objects.get()
    for html in ("<p>One</p>", "<p>Two</p>"):
        staff.post(f"{TEMPLATES}{template.pk}/change/", {**form, "html": html})

    versions = TemplateVersion.objects.order_by("number").values_list("number", "html")
    assert list(versions) == [(1, "<p>One</p>"), (2, "<p>Two</p>")]


def test_a_refused_template_keeps_what_was_typed(staff) -> None:
    form = template_form(name="Welcome", subject="Hi", html="<p>{{ contact.surname }} typed</p>")

    page = staff.post(f"{TEMPLATES}add/", form).content.decode()

    assert "contact.surname" in page
    assert "contact.last_name" in page
    assert "typed" in page
    assert Template.objects.count() == TemplateVersion.objects.count() == 0


def test_the_preview_shows_a_chosen_person_shut_in(staff, welcome: Template, thandi) -> None:
    page = staff.get(f"{TEMPLATES}{welcome.pk}/change/", {"for": "Thandi@example.com"})
    frame = staff.get(f"{TEMPLATES}{welcome.pk}/frame/", {"for": thandi.public_id})

    assert 'sandbox=""' in page.content.decode()
    assert "for Thandi Adams" in page.content.decode()
    assert frame.content == b"<p>Dear Thandi of Acme</p>"
    assert frame["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "script" not in frame["Content-Security-Policy"]


def test_the_preview_names_what_a_person_lacks(staff, welcome: Template, sipho) -> None:
    url = f"{TEMPLATES}{welcome.pk}/change/"
    page = staff.get(url, {"for": sipho.public_id}).content.decode()

    assert "Sipho could not get it" in page
    assert "<code>contact.attributes.company</code>" in page
    assert "There is no contact who" in staff.get(url, {"for": "who"}).content.decode()


def test_lists_cost_the_same_with_more_rows(staff, thandi, django_assert_max_num_queries) -> None:
    for number in range(12):
        create_list(name=f"List {number}", actor="system")
        create_template(name=f"Template {number}", actor="system")
        create_contact(email=f"p{number}@example.com", actor="system")
    suppress_address(
        Channel.EMAIL, thandi.email_hash, reason=SuppressionReason.MANUAL, actor="system"
    )

    for url in (CONTACTS, LISTS, TEMPLATES, "/admin/messaging/suppression/"):
        with django_assert_max_num_queries(14):
            assert staff.get(url).status_code == 200


@pytest.mark.parametrize("url", [CONTACTS, LISTS, TEMPLATES])
def test_who_only_looks_cannot_add(bob_client, url: str) -> None:
    assert bob_client.post(f"{url}add/", {"name": "X"}).status_code == 403
    assert Contact.objects.count() == ContactList.objects.count() == Template.objects.count() == 0


@pytest.fixture
def bob_client(bob, client_of):
    return client_of(bob)
