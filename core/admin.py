"""The admin's look: the only module that imports the theme (django-unfold 0.91).

Admins of all apps are made of what stands here: `ModelAdmin` with its buttons (core/buttons.py), its live
panel (core/panels.py), its form (core/refusals.py) and its timeline of audit entries; `ReadOnlyModelAdmin` for
rows that only the house itself writes; `TabularInline`, `register`, `display`.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import reverse
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
from core.refusals import RefusalsMixin

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


def script(request: HttpRequest) -> str:
    """Return the address of the script that keeps the keyboard inside an open dialog."""
    return static("core/dialog.js")


def icon(request: HttpRequest) -> str:
    """Return the address of the little picture in the browser's tab."""
    return static("core/icon.svg")


def dress(field: forms.Field) -> forms.Field:
    """Give a field the theme's look, where its widget is one of plain Django's."""
    widget: Any = field.widget
    if type(widget) is forms.ClearableFileInput:
        field.widget = widgets.UnfoldAdminFileFieldWidget(attrs=widget.attrs)
        field.widget.is_required = field.required
    elif type(widget) is forms.CheckboxSelectMultiple:
        field.widget = widgets.UnfoldAdminCheckboxSelectMultipleWidget(choices=widget.choices)
    elif type(widget).__module__ == "django.forms.widgets" and not widget.is_hidden:
        classes = next(c for kind, c in WIDGET_CLASSES.items() if isinstance(widget, kind))
        widget.attrs.setdefault("class", " ".join(classes))
    return field


class ModelAdmin(ButtonsMixin, PanelMixin, RefusalsMixin, ThemeModelAdmin):
    """An admin of ours: buttons and a live panel above the form, the timeline below."""

    change_form_template = "core/change_form.html"
    #: What an empty list says: what would stand here, and what to do to get it.
    empty_text = ""
    actions = (
        None  # bulk deletion by accident is no feature; name bulk actions where they are wanted
    )

    def form_of(self, button: Button, request: HttpRequest) -> forms.Form:
        form = super().form_of(button, request)
        for field in form.fields.values():
            dress(field)
        return form

    def get_form(self, *args: Any, **kwargs: Any) -> Any:
        """Return the form with every field in the theme's look, those it declares itself too."""
        form = super().get_form(*args, **kwargs)
        form.base_fields = {n: dress(deepcopy(field)) for n, field in form.base_fields.items()}
        return form

    def response_post_save_add(self, request: HttpRequest, obj: Model) -> HttpResponseRedirect:
        """Go to the new object's page where there is more to do: buttons, a panel."""
        if not (self.buttons or self.panel_template):
            return super().response_post_save_add(request, obj)
        return HttpResponseRedirect(
            reverse(f"{self.admin_site.name}:{self.url_name('change')}", args=[obj.pk])
        )

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


admin.site.index_title = "Front page"
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

    empty_text = "Programs need a key to use the API. Make one: manage.py api_key create --help"

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
