"""Who asks: the address of a visitor, as evidence."""

from __future__ import annotations

from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest


def address_of(request: HttpRequest) -> str | None:
    """Return the IP address that a request came from, or None where it is not known.

    Behind a proxy (BEHIND_PROXY) it is the last one of `X-Forwarded-For`, which our own proxy has added: whatever
    stands before it a visitor may have made up.
    """
    told = request.headers.get("X-Forwarded-For", "") if settings.BEHIND_PROXY else ""
    return _ip(told.rpartition(",")[2]) or _ip(request.META.get("REMOTE_ADDR", ""))


def _ip(text: str) -> str | None:
    try:
        return str(ip_address(text.strip()))
    except ValueError:
        return None
