"""Templates are written and previewed over HTTP as they are in the admin."""

from __future__ import annotations

import pytest

from messaging.actions.templates import create_template, save_version
from messaging.models import Contact, Template, TemplateVersion

TEMPLATES = "/api/v1/templates"


@pytest.fixture
def welcome(db: None) -> Template:
    made = create_template(name="Welcome", actor="test")
    html = '<p>{{ contact.first_name }} <a href="http://example.com">x</a></p>'
    save_version(made, subject="Hello", html=html, actor="test")
    return made


def test_a_template_is_created_and_written(db: None, api) -> None:
    client = api("templates:write")
    made = client.post(TEMPLATES, {"name": "News"})
    content = {
        "subject": "Hi",
        "preheader": "Line",
        "html": '<p><a href="http://example.com">x</a></p>',
    }
    saved = client.post(f"{made['Location']}/versions", content)
    again = client.post(f"{made['Location']}/versions", content)

    assert (made.status_code, made.json()["latest"], made.json()["channel"]) == (201, None, "email")
    assert (saved.status_code, saved.json()["number"], again.json()["number"]) == (201, 1, 1)
    assert saved.json()["remarks"] == ["The link http://example.com is not https."]
    assert saved.json()["text"] == "x (http://example.com)"
    assert TemplateVersion.objects.get().created_by.startswith("key:")
    assert client.post(TEMPLATES, {"name": "NEWS"}).status_code == 409


def test_bad_content_is_refused_with_its_place(welcome: Template, api) -> None:
    url = f"{TEMPLATES}/{welcome.public_id}/versions"
    answer = api("templates:write").post(url, {"subject": "Hi", "html": "<mj-section>"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/html"
    assert answer.json()["code"] == "mjml"
    assert TemplateVersion.objects.count() == 1


def test_templates_are_listed_and_read(welcome: Template, api) -> None:
    client = api("templates:read")

    assert [each["name"] for each in client.get(TEMPLATES).json()["results"]] == ["Welcome"]
    told = client.get(f"{TEMPLATES}/{welcome.public_id}").json()
    assert told["latest"]["variables"] == ["contact.first_name"]


def test_a_preview_names_what_a_person_lacks(welcome: Template, sipho: Contact, api) -> None:
    Contact.objects.filter(pk=sipho.pk).update(first_name="")
    url = f"{TEMPLATES}/{welcome.public_id}/preview"
    client = api("templates:read")

    told = client.post(url, {"contact": sipho.public_id}).json()
    sample = client.post(url).json()

    assert (told["missing"], told["problem"]) == (["contact.first_name"], "")
    assert told["remarks"] == ["The link http://example.com is not https."]
    assert sample["html"].startswith("<p>Thandi ")


def test_a_preview_of_nobody_s_content_is_refused(db: None, api) -> None:
    empty = create_template(name="Empty", actor="test")

    answer = api("templates:read").post(f"{TEMPLATES}/{empty.public_id}/preview")
    assert (answer.status_code, answer.json()["code"]) == (422, "refused")


@pytest.mark.parametrize(
    ("method", "place", "scope"),
    [
        ("get", "", "templates:write"),
        ("post", "", "templates:read"),
        ("get", "/{id}", "templates:write"),
        ("post", "/{id}/versions", "templates:read"),
        ("post", "/{id}/preview", "templates:write"),
        ("post", "/{id}/tests", "templates:read"),
    ],
)
def test_each_door_needs_its_scope(
    welcome: Template, api, method: str, place: str, scope: str
) -> None:
    url = TEMPLATES + place.format(id=welcome.public_id)

    assert getattr(api(scope), method)(url).status_code == 403
    assert TemplateVersion.objects.count() == Template.objects.count() == 1
