"""Twilio's webhooks: status callbacks and answers, what is kept of one, and what it says.

Twilio signs the address it called and the form's fields (X-Twilio-Signature), with the account's token by SHA-1, or
with a shared key by SHA-256. A callback has no timestamp: that it comes twice is known by the message's sid and status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import parse_qs, parse_qsl, urlencode

from django.conf import settings
from django.http import QueryDict
from twilio.request_validator import (
    SIGNATURE_HEADER,
    SIGNATURE_SETTINGS_HEADER,
    RequestValidator,
    get_signature_algorithm,
)

from messaging.life import Happening, Stage
from messaging.models import EventSource, SuppressionReason
from messaging.providers import twilio_codes
from messaging.webhooks.incoming import BadWebhook, Incoming, plain, text_of
from messaging.webhooks.reading import Reading, message_number, moment_of
from messaging.wishes import wish_of

INBOUND = "inbound"
STATUS = "status."
STAGES = {
    "accepted": Stage.QUEUED,
    "scheduled": Stage.QUEUED,
    "queued": Stage.QUEUED,
    "sending": Stage.SENDING,
    "sent": Stage.SENT,
    "partially_delivered": Stage.SENT,
    "delivered": Stage.DELIVERED,
    "read": Stage.OPENED,
    "undelivered": Stage.FAILED,
    "failed": Stage.FAILED,
    "canceled": Stage.FAILED,
}
#: The number has said STOP to the provider.
OPTED_OUT = frozenset(map(str, twilio_codes.OPTED_OUT))
#: When it came about, in the answer to a question of ours; a callback says nothing of that.
UPDATED = "DateUpdated"
MOST_FIELDS = 200
PHONE = re.compile(r"\+\d{5,15}")


def receive_status(body: bytes, headers: Mapping[str, str], *, path: str) -> Incoming:
    """Check a status callback and return what is kept of it; raise BadWebhook."""
    fields, text = _verified(body, headers, path=path)
    return _status(fields, text, query=path.partition("?")[2][:200])


def status_told(fields: Mapping[str, str], *, message: str) -> Incoming:
    """Return what Twilio answered when it was asked about a message of ours: the callback that would have told it.

    Raises BadWebhook for what is none.
    """
    return _status(fields, urlencode(fields), query=urlencode({"m": message}))


def receive_inbound(body: bytes, headers: Mapping[str, str], *, path: str) -> Incoming:
    """Check an answer of a person and return what is kept of it; raise BadWebhook."""
    fields, text = _verified(body, headers, path=path)
    sid = plain(fields.get("MessageSid") or fields.get("SmsSid"), name="MessageSid")
    return Incoming(EventSource.TWILIO, f"{sid}:{INBOUND}", kind=INBOUND, body=text)


def read(kind: str, body: str, *, query: str, received_at: datetime) -> Reading:
    """Return what an event says; one of an unknown kind says nothing, and is kept."""
    fields = dict(parse_qsl(body, keep_blank_values=True))
    if kind == INBOUND:
        return _read_inbound(fields)
    stage = STAGES.get(kind.removeprefix(STATUS))
    error = fields.get("ErrorCode", "").replace("\0", "")
    happening = None
    if stage is not None:
        reason = twilio_codes.in_words(error) or kind.removeprefix(STATUS)
        at = moment_of(fields.get(UPDATED), received_at)
        happening = Happening(stage, at, reason if stage == Stage.FAILED else "")
    return Reading(
        message=message_number("".join(parse_qs(query).get("m", [])[:1])),
        provider_id=fields.get("MessageSid", "")[:64],
        addresses=frozenset(filter(None, [fields.get("To")])),
        happening=happening,
        closes=SuppressionReason.STOPPED if error in OPTED_OUT else None,
        blocks=twilio_codes.blocking(error) if stage == Stage.FAILED else "",
        note="" if stage is not None else "a kind that we do not know",
    )


def _status(fields: Mapping[str, str], text: str, *, query: str) -> Incoming:
    sid = plain(fields.get("MessageSid") or fields.get("SmsSid"), name="MessageSid")
    status = plain(fields.get("MessageStatus") or fields.get("SmsStatus"), name="MessageStatus")
    kind = f"{STATUS}{status}"[:64]
    return Incoming(EventSource.TWILIO, f"{sid}:{status}", kind=kind, body=text, query=query)


def _read_inbound(fields: dict[str, str]) -> Reading:
    sender = fields.get("From", "")
    wish = wish_of(fields.get("Body", ""), opt_out_type=fields.get("OptOutType", ""))
    if not PHONE.fullmatch(sender):
        return Reading(note="it comes from no telephone number")
    return Reading(phone=sender, wish=wish)


def _verified(body: bytes, headers: Mapping[str, str], *, path: str) -> tuple[QueryDict, str]:
    """Return the fields of a form that Twilio signed for our address, and its raw text."""
    secrets = [*filter(None, [settings.TWILIO_AUTH_TOKEN]), *settings.TWILIO_WEBHOOK_SECRET]
    if not secrets:
        raise BadWebhook("TWILIO_AUTH_TOKEN is not set.", status=503)
    text = text_of(body)
    fields = _fields(text)
    signature = headers.get(SIGNATURE_HEADER) or ""
    algorithm = get_signature_algorithm(headers.get(SIGNATURE_SETTINGS_HEADER))
    url = f"{settings.PUBLIC_URL}{path}"
    for secret in secrets:
        if RequestValidator(secret).validate(url, fields, signature, algorithm=algorithm):
            return fields, text
    raise BadWebhook("The signature is not ours.", status=401)


def _fields(text: str) -> QueryDict:
    """Return the form's fields, whose every letter can be stored; raise BadWebhook."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadWebhook("The body is not a form in UTF-8.") from None
    fields = QueryDict(mutable=True)
    for name, value in pairs:
        fields.appendlist(name, value)
    return fields
