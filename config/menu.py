"""The admin's sidebar and front page, in the order in which staff work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse

GROUPS = (
    ("Send", (("campaigns.Campaign", "campaign"), ("messaging.Template", "draft"))),
    (
        "People",
        (
            ("messaging.Contact", "person"),
            ("messaging.ContactList", "group"),
            ("imports.ImportBatch", "upload_file"),
        ),
    ),
    (
        "Watch",
        (
            ("jobs.Run", "monitoring"),
            ("messaging.Message", "mail"),
            ("messaging.SandboxMessage", "inbox"),
        ),
    ),
    ("Set up", (("messaging.Sender", "outgoing_mail"), ("core.ApiKey", "key"))),
)
STEPS = (
    ("messaging.Sender", "Name a sender", "Who the messages come from, and how fast they may go."),
    (
        "messaging.Contact",
        "Load your contacts",
        "Upload a CSV file under Contact imports, or manage.py import_contacts FILE --list NAME.",
    ),
    ("messaging.Template", "Write a template", "Subject and text, with a preview."),
    ("campaigns.Campaign", "Make a campaign", "Choose lists, count the people, press Send now."),
)


@dataclass(frozen=True)
class Step:
    """One thing to do before the first campaign is out."""

    title: str
    text: str
    link: str
    is_done: bool


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links this person may follow; what no group names stands under More."""
    groups = [group(title, entries, request) for title, entries in GROUPS]
    named = {label for _, entries in GROUPS for label, _ in entries}
    others = sorted(model._meta.label for model in admin.site._registry)
    rest = [(label, "chevron_right") for label in others if label not in named]
    return [*groups, group("More", rest, request) | {"collapsible": True}]


def group(title: str, entries: Any, request: HttpRequest) -> dict[str, Any]:
    models = [(apps.get_model(label), icon) for label, icon in entries]
    items = [item(model, icon) for model, icon in models if may_see(request, model)]
    return {"title": title, "separator": True, "items": items}


def item(model: type[Model], icon: str) -> dict[str, Any]:
    title = str(model._meta.verbose_name_plural)
    return {"title": title[:1].upper() + title[1:], "icon": icon, "link": list_of(model)}


def may_see(request: HttpRequest, model: type[Model]) -> bool:
    model_admin = admin.site._registry.get(model)
    return model_admin is not None and model_admin.has_view_permission(request)


def list_of(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Tell staff what to do next, until a campaign exists."""
    steps = [step(*entry) for entry in STEPS if may_see(request, apps.get_model(entry[0]))]
    context["steps"] = [] if all(step.is_done for step in steps) else steps
    return context


def step(label: str, title: str, text: str) -> Step:
    model = apps.get_model(label)
    return Step(title, text, list_of(model), model._default_manager.exists())
