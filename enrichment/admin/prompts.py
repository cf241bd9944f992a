"""Prompts for staff: versions to read, and a button that saves the next one."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest

from core.admin import ReadOnlyModelAdmin, TabularInline, button, display, register
from core.audit import actor_of
from core.buttons import Button
from enrichment.actions.prompts import save_version
from enrichment.forms import VersionForm
from enrichment.models import Prompt, PromptVersion


class VersionInline(TabularInline):
    """The versions of a prompt."""

    model = PromptVersion
    fields = ("number", "model", "max_tokens", "sha256", "created_by", "created_at")
    readonly_fields = fields
    can_delete = False
    max_num = 0
    show_change_link = True

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@register(Prompt)
class PromptAdmin(ReadOnlyModelAdmin):
    """A kind of question, with its versions."""

    empty_text = "Prompts come with the house, and appear here when they are first used."
    list_display = ("name", "description", "version", "model")
    search_fields: ClassVar = ["name"]
    fields = ("name", "description")
    inlines = (VersionInline,)

    def has_save_permission(self, request: HttpRequest, obj: Prompt) -> bool:
        return request.user.has_perm("enrichment.add_promptversion")

    @display(description="Version")
    def version(self, prompt: Prompt) -> str:
        return str(prompt.latest.number) if prompt.latest else "–"

    @display(description="Model")
    def model(self, prompt: Prompt) -> str:
        return prompt.latest.model if prompt.latest else "–"

    def form_of(self, button: Button, request: HttpRequest) -> forms.Form:
        form = super().form_of(button, request)
        if not form.is_bound and request.resolver_match:
            prompt = self.object_or_404(request, request.resolver_match.kwargs["object_id"])
            assert isinstance(prompt, Prompt)
            for name in form.fields:
                form.initial[name] = getattr(prompt.latest, name, None)
        return form

    @button(
        label="Save a new version",
        permission="save",
        form=VersionForm,
        confirm="New questions use it from now on. Earlier versions stay as they are, and calls keep theirs.",
        icon="edit_note",
        is_primary=True,
    )
    def save(self, request: HttpRequest, prompt: Prompt, **content: Any) -> str:
        version = save_version(prompt, **content, actor=actor_of(request))
        return f"Version {version.number} is saved."


@register(PromptVersion)
class PromptVersionAdmin(ReadOnlyModelAdmin):
    """A version as it was saved: it never changes."""

    empty_text = "Versions stand here once a prompt was used."
    list_display = ("prompt", "number", "model", "created_by", "created_at")
    list_filter = ("prompt", "model")
    fields = ("prompt", "number", "text", "model", "max_tokens", "params", "schema", "sha256")
