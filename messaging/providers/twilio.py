"""SMS through Twilio's official SDK, with our own HTTP client beneath it.

Twilio's Messages have no idempotency key (SDK 9.13 and its OpenAPI file): a call without an answer is looked up, not
repeated. The SDK's own client waits for ever and logs telephone numbers; ours does neither.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from django.conf import settings
from twilio.base import values
from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response
from twilio.rest import Client

from core.errors import Refused
from messaging import payloads
from messaging.models import Sender
from messaging.providers import network, twilio_codes
from messaging.providers.base import BatchAnswer, InDoubt, ProviderOutcome, SenderBlocked
from messaging.providers.connections import KeptAlive
from messaging.texts import origin_of
from messaging.webhooks.incoming import BadWebhook, Incoming
from messaging.webhooks.twilio import UPDATED, status_told

#: Seconds to connect and to wait for an answer.
TIMEOUT = (5, 20)
#: How far its clock and ours may differ.
CLOCKS_DIFFER = timedelta(seconds=120)
#: What a trial account puts before every text.
TRIAL = re.compile(r"\ASent from your (Twilio )?trial account - ")
#: How many of one person's latest messages a look-up reads.
MOST_LOOKED_AT = 200
CREDENTIALS = ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
#: Delivery news is worth three more tries, whatever went wrong with the first.
CALLBACK_RETRIES = "#rc=3&rp=all"
#: Hosts that nobody else reaches: asking for news there would be refused (21609).
UNREACHABLE_HOSTS = ("localhost", "127.0.0.1", "::1")


class FreshClient(HttpClient):
    """Carries the SDK's requests over a connection that is kept alive, and never used after a long rest."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._connection = KeptAlive()

    def request(
        self,
        method: str,
        url: str,
        params: dict[str, Any] | None = None,
        data: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        allow_redirects: bool = False,
    ) -> Response:
        """Called by the SDK. Raises a ProviderOutcome where no answer came, or an error: the SDK
        loses the status of a refused look-up."""
        try:
            response = self._connection.session().request(
                method,
                url,
                params=params,
                data=data,
                headers=headers,
                auth=auth,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise network.outcome_of(error) from error
        if not 200 <= response.status_code < 300:
            raise _judged(response)
        text = response.content.decode("utf-8", errors="replace")
        return Response(response.status_code, text, response.headers)


_http = FreshClient()


class TwilioProvider:
    """One SMS in a call to `POST /Messages.json`."""

    most_at_once = 1

    def check_ready(self, sender: Sender) -> None:
        for name in CREDENTIALS:
            if not getattr(settings, name):
                raise _not_ready(name, "Twilio cannot be used without its account")
        if not origin_of(sender):
            raise _not_ready("TWILIO_PHONE_NUMBER", f"“{sender.name}” has no number to send from")

    def send_batch(self, payload: bytes, *, key: str, attempt: int = 1) -> BatchAnswer:
        [sms] = payloads.decode(payload)
        with _readable():
            taken = _messages().create(
                to=sms["to"][0],
                body=sms["text"],
                from_=sms.get("from", values.unset),
                messaging_service_sid=sms.get("messaging_service", values.unset),
                status_callback=callback_url(sms, attempt=attempt) or values.unset,
            )
            if not taken.sid:
                raise ValueError("no sid")
        return BatchAnswer({0: str(taken.sid)}, http_status=201)

    def look_up(self, payload: bytes, *, since: datetime) -> list[str]:
        [sms] = payloads.decode(payload)
        with _readable():
            latest = _messages().stream(
                to=sms["to"][0], from_=sms.get("from", values.unset), limit=MOST_LOOKED_AT
            )
            found = [m for m in latest if _is_the_same(m, sms, since=since - CLOCKS_DIFFER)]
        return [str(message.sid) for message in found]

    def news_of(self, provider_id: str, *, message: str) -> Incoming | None:
        try:
            with _readable():
                told = _messages()(provider_id).fetch()
                return status_told(
                    {
                        "MessageSid": told.sid,
                        "MessageStatus": told.status,
                        "To": told.to,
                        "ErrorCode": told.error_code or "",
                        UPDATED: told.date_updated.isoformat() if told.date_updated else "",
                    },
                    message=message,
                )
        except SenderBlocked as outcome:
            if outcome.http_status == HTTPStatus.NOT_FOUND:
                return None
            raise


def callback_url(sms: dict[str, Any], *, attempt: int) -> str:
    """Return where Twilio tells what became of a message and an attempt; nothing where it cannot reach us."""
    if urlsplit(settings.PUBLIC_URL).hostname in UNREACHABLE_HOSTS:
        return ""
    message = next(tag["value"] for tag in sms["tags"] if tag["name"] == "message")
    query = urlencode({"m": message, "a": attempt})
    return f"{settings.PUBLIC_URL}/webhooks/twilio/status?{query}{CALLBACK_RETRIES}"


def _messages() -> Any:
    missing = [name for name in CREDENTIALS if not getattr(settings, name)]
    if missing:
        raise SenderBlocked("missing_credentials", f"{missing[0]} is not set.")
    return _client(
        settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_API_URL
    ).messages


@lru_cache(maxsize=4)
def _client(account: str, token: str, url: str) -> Client:
    client = Client(account, token, http_client=_http)
    client.api.base_url = url
    return client


@contextmanager
def _readable() -> Iterator[None]:
    """An answer that the SDK cannot make sense of leaves the message in doubt."""
    try:
        yield
    except (TwilioException, BadWebhook, ValueError, TypeError, KeyError) as error:
        raise InDoubt("unreadable_answer", type(error).__name__) from error


def _judged(response: requests.Response) -> ProviderOutcome:
    """Return what an error means; Twilio tells it in its own form or in that of RFC 9457."""
    try:
        told = response.json()
    except ValueError:
        told = None
    told = told if isinstance(told, dict) else {}
    words = told.get("message") or told.get("detail") or told.get("title") or response.reason
    code = told.get("code")
    return twilio_codes.outcome_of(
        status=response.status_code,
        code=code if isinstance(code, int) else None,
        message=" ".join(str(words).split())[:400],
        retry_after=response.headers.get("retry-after", ""),
    )


def _is_the_same(theirs: Any, sms: dict[str, Any], *, since: datetime) -> bool:
    """Whether a listed message can only be ours: outbound, young enough, and of the same words.

    A trial account's words stand behind a remark of Twilio's; a test's stand behind our own, and are others.
    """
    is_outbound = str(theirs.direction or "").startswith("outbound")
    is_young = theirs.date_created is None or theirs.date_created >= since
    words = TRIAL.sub("", str(theirs.body or "")).split()
    return is_outbound and is_young and words == sms["text"].split()


def _not_ready(name: str, why: str) -> Refused:
    return Refused(
        f"{why}: {name} is not set.",
        field=name,
        value="",
        remedy=f"Set {name} in the environment, or choose a sandbox sender.",
        code="provider_not_ready",
    )
