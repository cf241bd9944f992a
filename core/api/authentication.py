"""Who calls: a key in `Authorization: Bearer …`, or a staff member who is logged in."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from core.keys import recognise
from core.models import ApiKey


class KeyAuthentication(BaseAuthentication):
    """Recognises an API key; the key is the request's user and its `auth`."""

    def authenticate(self, request: Request) -> tuple[ApiKey, ApiKey] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = recognise(token.strip())
        if key is None:
            raise AuthenticationFailed("This API key is unknown, expired or revoked.")
        return key, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="longhaul"'
