"""Every page of the admin opens; the sidebar shows what one may see; the front page says what is next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from campaigns.models import Campaign
from config.menu import GROUPS, sidebar
from imports.models import CsvBatch
from messaging.models import Sender, Template

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def place(model: type[Model], page: str) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_the_list_opens_and_can_be_searched(
    client_of: ClientOf, alice: User, model: type[Model]
) -> None:
    client = client_of(alice)

    assert client.get(place(model, "changelist")).status_code == 200
    if admin.site._registry[model].search_fields:
        assert client.get(place(model, "changelist"), {"q": "x"}).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_the_page_for_a_new_one_opens_where_there_is_one(
    client_of: ClientOf, alice: User, rf: Any, model: type[Model]
) -> None:
    request = rf.get("/")
    request.user = alice
    expected = 200 if admin.site._registry[model].has_add_permission(request) else 403

    assert client_of(alice).get(place(model, "add")).status_code == expected


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_who_has_no_rights_sees_no_list(
    client_of: ClientOf, charlie: User, model: type[Model]
) -> None:
    User.objects.filter(pk=charlie.pk).update(is_staff=True)

    assert client_of(charlie).get(place(model, "changelist")).status_code == 403


def test_a_persons_page_opens(client_of: ClientOf, alice: User, bob: User) -> None:
    client = client_of(alice)

    assert client.get(reverse("admin:auth_user_change", args=[bob.pk])).status_code == 200
    assert (
        client.get(reverse("admin:auth_group_change", args=[bob.groups.get().pk])).status_code
        == 200
    )


def test_the_queues_own_tables_are_hidden() -> None:
    assert [model for model in MODELS if model._meta.app_label == "django_q"] == []


def links(user: User, rf: Any) -> list[str]:
    request = rf.get("/admin/")
    request.user = user
    return [item["title"] for group in sidebar(request) for item in group["items"]]


def test_the_sidebar_names_every_page_once_for_the_owner(alice: User, rf: Any) -> None:
    assert len(links(alice, rf)) == len(MODELS)
    assert len(set(links(alice, rf))) == len(MODELS)


def test_the_sidebar_begins_with_what_staff_do_most(bob: User, rf: Any) -> None:
    assert links(bob, rf)[:4] == ["Campaigns", "Templates", "Contacts", "Lists"]
    assert "Users" not in links(bob, rf)


def test_the_sidebar_is_empty_for_a_stranger(charlie: User, rf: Any) -> None:
    assert links(charlie, rf) == []


def test_every_page_the_sidebar_names_is_registered() -> None:
    named = {label for _, entries in GROUPS for label, _ in entries}

    assert named <= {model._meta.label for model in MODELS}


def test_the_front_page_tells_what_to_do_next(client_of: ClientOf, alice: User) -> None:
    html = client_of(alice).get("/admin/").content.decode()

    titles = ["Name a sender", "Load your contacts", "Write a template", "Make a campaign"]
    assert [title for title in titles if title in html] == titles


def test_the_front_door_leads_to_the_admin(client: Client) -> None:
    assert client.get("/")["Location"] == "/admin/"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_field_of_a_new_one_wears_the_themes_look(
    client_of: ClientOf, alice: User, model: type[Model]
) -> None:
    page = client_of(alice).get(place(model, "add"))

    offered = page.context.get("adminform") if page.status_code == 200 else None
    fields = offered.form.fields if offered else {}
    plain = [
        name
        for name, field in fields.items()
        if type(field.widget).__module__ == "django.forms.widgets"
        and "border" not in field.widget.attrs.get("class", "")
    ]
    assert plain == []


def test_an_empty_list_says_what_to_do(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    page = place(Sender, "changelist")

    empty = client.get(page).content.decode()
    searched = client.get(page, {"q": "nobody"}).content.decode()

    assert "No senders yet" in empty
    assert "The sandbox keeps messages here, so it is a safe first one." in empty
    assert f'href="{place(Sender, "add")}">Add sender</a>' in empty
    assert "Nothing matches" in searched


def test_the_first_step_leads_to_the_page_where_it_is_done(
    client_of: ClientOf, alice: User, bob: User
) -> None:
    owner = client_of(alice).get(reverse("admin:index")).context["steps"]
    viewer = client_of(bob).get(reverse("admin:index")).context["steps"]

    assert [step.link for step in owner] == [
        place(model, "add") for model in (Sender, CsvBatch, Template, Campaign)
    ]
    assert [step.link for step in viewer] == [
        place(model, "changelist") for model in (Sender, CsvBatch, Template, Campaign)
    ]


def test_who_may_not_is_told_so_and_led_back(client_of: ClientOf, bob: User) -> None:
    refused = client_of(bob).get(place(Sender, "add"))

    assert refused.status_code == 403
    assert "Your log-in lacks the right" in refused.content.decode()
    assert '<a href="/">' in refused.content.decode()


@pytest.mark.parametrize("page", ["403.html", "404.html", "500.html"])
def test_a_page_of_refusal_needs_nothing_from_the_request(page: str) -> None:
    assert "<h1>" in render_to_string(page)
