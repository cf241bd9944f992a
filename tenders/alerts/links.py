"""The page of a saved search: a signed address, which is the permission, and needs no log-in."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer

from core.errors import NotFound
from tenders.models import SavedSearch


def token_for(search: SavedSearch) -> str:
    """Return the signed, opaque token of a search. It never expires."""
    return _signer().sign(urlsafe_b64encode(search.pk.bytes).rstrip(b"=").decode())


def search_of(token: str) -> SavedSearch:
    """Return the search that a token names; raise NotFound for any that we did not sign."""
    try:
        letters = _signer().unsign(token)
    except BadSignature:
        raise NotFound("This link is not valid.") from None
    key = UUID(bytes=urlsafe_b64decode(letters + "=" * (-len(letters) % 4)))
    found = SavedSearch.objects.filter(pk=key).first()
    if found is None:
        raise NotFound("This search is gone.")
    return found


def page_url(search: SavedSearch) -> str:
    """Return the address of a search's page: what it told, and the button that ends it."""
    return f"{settings.PUBLIC_URL}/tenders/alerts/{token_for(search)}"


@lru_cache(maxsize=1)
def _signer() -> Signer:
    return Signer(salt="tenders.search", sep=".")
