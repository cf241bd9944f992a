"""The admin's look: the only module that imports the theme (django-unfold 0.91).

Admins of all apps are made of what stands here: `ModelAdmin` with its buttons (core/buttons.py), its live
panel (core/panels.py) and its timeline of audit entries; `ReadOnlyModelAdmin` for rows that only the
house itself writes; `TabularInline`, `register`, `display`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from unfold import widgets
from unfold.admin import ModelAdmin as ThemeModelAdmin
from unfold.admin import TabularInline as ThemeTabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from core.audit import actor_of
from core.buttons import Button, ButtonsMixin, button
from core.keys import revoke_key
from core.models import ApiKey, AuditEntry
from core.panels import PanelMixin

__all__ = ["ModelAdmin", "ReadOnlyModelAdmin", "TabularInline", "button", "display", "register"]

register = admin.register
TIMELINE_LENGTH = 20
WIDGET_CLASSES: dict[type[forms.Widget], list[str]] = {
    forms.CheckboxInput: widgets.CHECKBOX_CLASSES,
    forms.Select: widgets.SELECT_CLASSES,
    forms.Textarea: widgets.TEXTAREA_CLASSES,
    forms.Widget: widgets.INPUT_CLASSES,
}


def stylesheet(request: HttpRequest) -> str:
    """Return the address of our own small style sheet, which the theme adds to every page."""
    return static("core/admin.css")


def icon(request: HttpRequest) -> str:
    """Return the address of the little picture in the browser's tab."""
    return static("core/icon.svg")


def dress(form: forms.Form) -> forms.Form:
    """Give the fields of a button's form the theme's look."""
    for field in form.fields.values():
        widget: Any = field.widget
        classes = next(c for kind, c in WIDGET_CLASSES.items() if isinstance(widget, kind))
        widget.attrs["class"] = " ".join(classes)
    return form


class ModelAdmin(ButtonsMixin, PanelMixin, ThemeModelAdmin):
    """An admin of ours: buttons and a live panel above the form, the timeline below."""

    change_form_template = "core/change_form.html"
    actions = (
        None  # bulk deletion by accident is no feature; name bulk actions where they are wanted
    )

    def form_of(self, button: Button, request: HttpRequest) -> forms.Form:
        return dress(super().form_of(button, request))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = context.get("original")
        if obj is not None:
            context |= {
                "buttons": self.buttons_for(request, obj),
                "panel": self.panel(request, obj) if self.panel_template else "",
                "timeline": AuditEntry.objects.about(obj)[:TIMELINE_LENGTH],
            }
        return super().render_change_form(request, context, *args, **kwargs)


class ReadOnlyModelAdmin(ModelAdmin):
    """Rows that only the house itself writes: staff look, and press buttons."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class TabularInline(ThemeTabularInline):
    """Rows of another table inside an object's page; none are offered empty."""

    extra = 0


admin.site.unregister(User)
admin.site.unregister(Group)


@register(User)
class StaffAdmin(UserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@register(Group)
class RoleAdmin(GroupAdmin, ModelAdmin):
    pass


@register(AuditEntry)
class AuditEntryAdmin(ReadOnlyModelAdmin):
    list_display = ("at", "actor", "verb", "object_type", "object_id")
    list_filter = ("verb",)
    search_fields = ("actor", "object_id")
    date_hierarchy = "at"


@register(ApiKey)
class ApiKeyAdmin(ReadOnlyModelAdmin):
    """Keys are made by `manage.py api_key create`, which shows the token once, and ended here."""

    list_display = ("name", "prefix", "scopes", "expires_at", "revoked_at", "last_used_at")
    exclude = ("secret_hash",)
    search_fields: ClassVar = ["name", "prefix"]

    def has_revoke_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return request.user.has_perm("core.change_apikey")

    @button(
        label="Revoke",
        permission="revoke",
        confirm=lambda _admin, _request, key: f"End {key.name} at once? Its callers get 401.",
        why_not=lambda _admin, _request, key: "It is already revoked." if key.revoked_at else "",
        is_danger=True,
    )
    def revoke(self, request: HttpRequest, key: ApiKey) -> str:
        revoke_key(key, actor=actor_of(request))
        return f"{key.name} is revoked."
