"""One-click unsubscribe (RFC 8058): signed links that name a person without showing an address."""

from __future__ import annotations

import re
import struct
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, Signer

from core import ids
from core.errors import NotFound
from messaging.channels import Channel
from messaging.models import Contact

LAYOUT = struct.Struct(">16sBQ")  # the contact's key, the channel's number, the message's key
CHANNEL_NUMBERS = {Channel.EMAIL: 1, Channel.SMS: 2}  # links live for ever: never renumber
CHANNELS = {number: channel for channel, number in CHANNEL_NUMBERS.items()}

#: A member of a message's data: the page that ends what this message belongs to, such as one saved search.
OWN_PAGE = "unsubscribe_url"
ADDRESS = re.compile(r"https?://[!-;=?-~]{1,1000}")  # what may stand between < and > in a header


@dataclass(frozen=True)
class Subscription:
    """What a link can end: writing to a person on a channel; `message` 0 is no message."""

    contact: uuid.UUID
    channel: Channel
    message: int = 0

    @property
    def message_id(self) -> str:
        """The public id of the message that carried the link, or nothing."""
        return ids.encode("msg", self.message) if self.message else ""


def token_for(
    contact: Contact, *, channel: Channel = Channel.EMAIL, message: int | None = None
) -> str:
    """Return the signed, opaque token of a link. It never expires."""
    packed = LAYOUT.pack(contact.pk.bytes, CHANNEL_NUMBERS[channel], message or 0)
    return _signer().sign(urlsafe_b64encode(packed).rstrip(b"=").decode())


def read_token(token: str) -> Subscription:
    """Return what a token names; raise NotFound for any that we did not sign."""
    try:
        letters = _signer().unsign(token)
    except BadSignature:
        raise NotFound("This link is not valid.") from None
    packed = urlsafe_b64decode(letters + "=" * (-len(letters) % 4))
    key, number, message = LAYOUT.unpack(packed)
    return Subscription(uuid.UUID(bytes=key), CHANNELS[number], message)


def unsubscribe_url(
    contact: Contact, *, channel: Channel = Channel.EMAIL, message: int | None = None
) -> str:
    """Return the address that ends a subscription: a page for people, a POST for mail programs."""
    return f"{settings.PUBLIC_URL}/u/{token_for(contact, channel=channel, message=message)}"


def own_page(data: Mapping[str, Any]) -> str:
    """Return the address that a message's data names as its own way out, or nothing where that is no address."""
    named = data.get(OWN_PAGE)
    return named if isinstance(named, str) and ADDRESS.fullmatch(named) else ""


def list_unsubscribe_headers(url: str) -> dict[str, str]:
    """Return the headers of RFC 8058 that let a mail program unsubscribe with one click."""
    return {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


@lru_cache(maxsize=1)
def _signer() -> Signer:
    return Signer(salt="messaging.unsubscribe", sep=".")
