"""What a caller may do: keys need the scope, staff need Django's permission.

A view says both, per method, and a view that says nothing answers nobody:

    required_scopes = {"GET": "campaigns:read", "POST": "campaigns:write"}
    required_permissions = {"GET": "campaigns.view_campaign", "POST": "campaigns.add_campaign"}

In a view set an action's name may stand in place of the method.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from core.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView  # which itself imports this module, by its setting


class HasScope(BasePermission):
    """Allows a key that carries the scope, and staff who hold the permission."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not is_offered(view, str(request.method)):
            return bool(request.user.is_authenticated)  # to be told 405
        if isinstance(request.auth, ApiKey):
            return carries(request.auth, needed(view, request.method, "required_scopes"))
        permission = needed(view, request.method, "required_permissions")
        return bool(request.user.is_active and request.user.is_staff) and holds(request, permission)


def is_offered(view: APIView, method: str) -> bool:
    return method != "OPTIONS" and hasattr(view, method.lower())


def carries(key: ApiKey, scope: str) -> bool:
    if scope not in key.scopes:
        raise PermissionDenied(f"This key lacks the scope {scope}.", code="missing_scope")
    return True


def holds(request: Request, permission: str) -> bool:
    if not request.user.has_perm(permission):
        raise PermissionDenied(f"You lack the permission {permission}.")
    return True


def needed(view: APIView, method: str | None, table_name: str) -> str:
    """Return what a view asks for this method; HEAD asks what GET does."""
    table: dict[str, str] = getattr(view, table_name, {})
    verb = "GET" if method == "HEAD" else str(method)
    found = table.get(getattr(view, "action", "") or "", table.get(verb, ""))
    if not found:
        raise ImproperlyConfigured(f"{type(view).__name__}.{table_name} says nothing of {verb}.")
    return found


def known_scopes() -> frozenset[str]:
    """Return every scope that some endpoint asks for."""
    views = (getattr(p.callback, "cls", None) for p in patterns(get_resolver().url_patterns))
    tables = (getattr(view, "required_scopes", {}) for view in views)
    return frozenset(scope for table in tables for scope in table.values())


def patterns(entries: list[Any]) -> Iterator[URLPattern]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns)
        else:
            yield entry
