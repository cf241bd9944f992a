"""Pages of the admin, and who may open them."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse


def may_see(request: HttpRequest, model: type[Model]) -> bool:
    model_admin = admin.site._registry.get(model)
    return model_admin is not None and model_admin.has_view_permission(request)


def page_of(model: type[Model], page: str, *args: object) -> str:
    """Return the address of a page of a model: `changelist`, `add`, or `change` with a key."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)
