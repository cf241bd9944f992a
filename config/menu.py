"""The admin's sidebar and front page, in the order in which staff work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from config import front
from config.pages import may_see, page_of

GROUPS = (
    ("Send", (("campaigns.Campaign", "campaign"), ("messaging.Template", "draft"))),
    (
        "People",
        (
            ("messaging.Contact", "person"),
            ("messaging.ContactList", "group"),
            ("messaging.Topic", "label"),
            ("messaging.Suppression", "block"),
            ("imports.CsvBatch", "upload_file"),
        ),
    ),
    (
        "Clients",
        (
            ("enrichment.Client", "apartment"),
            ("enrichment.Competitor", "swords"),
            ("enrichment.Proposal", "front_hand"),
            ("enrichment.SearchQuery", "manage_search"),
            ("enrichment.Brief", "article_shortcut"),
            ("enrichment.AiCall", "receipt_long"),
        ),
    ),
    (
        "Tenders",
        (
            ("tenders.Tender", "gavel"),
            ("tenders.SavedSearch", "saved_search"),
            ("tenders.TenderSource", "rss_feed"),
            ("tenders.SyncWindow", "calendar_view_week"),
        ),
    ),
    (
        "Accompany",
        (
            ("funnels.Event", "event"),
            ("funnels.Funnel", "conversion_path"),
            ("funnels.Launch", "rocket_launch"),
            ("funnels.Registration", "how_to_reg"),
        ),
    ),
    (
        "Watch",
        (
            ("jobs.Run", "monitoring"),
            ("jobs.Event", "bolt"),
            ("jobs.Hold", "pause_circle"),
            ("messaging.Message", "mail"),
            ("messaging.ProviderEvent", "hearing"),
            ("funnels.ZoomNotice", "videocam"),
            ("messaging.SandboxMessage", "inbox"),
        ),
    ),
    (
        "Set up",
        (
            ("messaging.Sender", "outgoing_mail"),
            ("messaging.ContentBlock", "article"),
            ("enrichment.Prompt", "chat"),
            ("enrichment.ModelPrice", "sell"),
            ("enrichment.Budget", "savings"),
            ("enrichment.AiAccount", "account_balance"),
            ("core.ApiKey", "key"),
        ),
    ),
)
#: What to do before the first campaign is out: it is done when the first model has rows, on the second's page.
STEPS = (
    (
        "messaging.Sender",
        "messaging.Sender",
        "Name a sender",
        "Who the messages come from, and how fast they may go.",
    ),
    (
        "messaging.Contact",
        "imports.CsvBatch",
        "Load your contacts",
        "Upload a CSV file, name the list they join, and say where they agreed to be written to.",
    ),
    (
        "messaging.Template",
        "messaging.Template",
        "Write a template",
        "Subject and text, with a preview.",
    ),
    (
        "campaigns.Campaign",
        "campaigns.Campaign",
        "Make a campaign",
        "Choose lists, count the people, press Send now.",
    ),
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
    return {
        "title": title[:1].upper() + title[1:],
        "icon": icon,
        "link": page_of(model, "changelist"),
    }


def front_page(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Tell staff what to do next until a campaign exists; what waits for them, and what is under way."""
    steps = [step(request, *entry) for entry in STEPS if may_see(request, apps.get_model(entry[1]))]
    context["steps"] = [] if all(step.is_done for step in steps) else steps
    return context | front.panel_context(request)


def step(request: HttpRequest, done_with: str, done_on: str, title: str, text: str) -> Step:
    is_done = apps.get_model(done_with)._default_manager.exists()
    model = apps.get_model(done_on)
    may_add = admin.site._registry[model].has_add_permission(request)
    page = "add" if may_add and not is_done else "changelist"
    return Step(title, text, page_of(model, page), is_done)
