"""E-mail through any Django e-mail backend, one message and one connection at a time.

SMTP has no idempotency key and nothing to look anything up in: when the line is cut after the message and before the
server's answer, nobody can tell. So a message is never sent twice by itself, and a doubt is put before a person.
"""

from __future__ import annotations

import smtplib
from contextlib import suppress
from datetime import datetime
from typing import Any, NoReturn

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

from core.errors import Refused
from messaging import payloads
from messaging.models import Sender
from messaging.providers.base import (
    BatchAnswer,
    CannotTell,
    Deferred,
    InDoubt,
    NotNow,
    ProviderOutcome,
    Rejected,
    SenderBlocked,
)

#: A server that cannot be reached, or is busy, is tried again after so long.
BUSY_SECONDS = 30.0


class SmtpProvider:
    """Hands one e-mail at a time to the backend of SMTP_URL or SMTP_BACKEND."""

    most_at_once = 1

    def check_ready(self, sender: Sender) -> None:
        if not settings.SMTP_BACKEND:
            raise Refused(
                "SMTP cannot be used without a server: SMTP_URL is not set.",
                field="SMTP_URL",
                value="",
                remedy="Set SMTP_URL in the environment, or choose a sandbox sender.",
                code="provider_not_ready",
            )

    def send_batch(self, payload: bytes, *, key: str, attempt: int = 1) -> BatchAnswer:
        [mail] = payloads.decode(payload)
        message = email_of(mail)
        connection = _open()
        try:
            taken = connection.send_messages([message])
        except Exception as error:  # noqa: BLE001 - a backend of others may raise anything
            _raise_outcome(error)
        finally:
            _close(connection)
        if not taken:
            raise InDoubt("not_confirmed", "The backend does not say that it sent the message.")
        return BatchAnswer({0: str(message.extra_headers["Message-ID"])}, http_status=None)

    def look_up(self, payload: bytes, *, since: datetime) -> list[str]:
        raise CannotTell("smtp", "A mail server cannot be asked what it took.")


def email_of(mail: dict[str, Any]) -> EmailMultiAlternatives:
    """Return the e-mail with a Message-ID of its own: the same at every attempt."""
    message = EmailMultiAlternatives(
        mail["subject"],
        mail.get("text", ""),
        mail["from"],
        mail["to"],
        reply_to=[mail["reply_to"]] if "reply_to" in mail else None,
        headers={**mail.get("headers", {}), "Message-ID": message_id(mail)},
    )
    if "html" in mail:
        message.attach_alternative(mail["html"], "text/html")
    return message


def message_id(mail: dict[str, Any]) -> str:
    """Return `<msg_…@domain of the sender>`."""
    name = next(tag["value"] for tag in mail["tags"] if tag["name"] == "message")
    return f"<{name}@{mail['from'].rpartition('@')[2].rstrip('>')}>"


def _open() -> BaseEmailBackend:
    """Return an open connection. Until there is one, nothing can have been sent."""
    if not settings.SMTP_BACKEND:
        raise SenderBlocked("missing_server", "SMTP_URL is not set.")
    connection: BaseEmailBackend = get_connection(settings.SMTP_BACKEND, **settings.SMTP_OPTIONS)
    try:
        connection.open()
    except Exception as error:  # noqa: BLE001 - a backend of others may raise anything
        _close(connection)
        raise _not_open(error) from error
    return connection


def _not_open(error: Exception) -> ProviderOutcome:
    match error:
        case smtplib.SMTPAuthenticationError():
            return _answered(SenderBlocked, error)
        case smtplib.SMTPNotSupportedError():
            return SenderBlocked("not_supported", str(error)[:400])
        case smtplib.SMTPException() | OSError():
            return NotNow("unreachable", type(error).__name__, wait=BUSY_SECONDS)
        case _:
            return SenderBlocked("backend_failed", f"{type(error).__name__}: {error}"[:400])


def _close(connection: BaseEmailBackend) -> None:
    """Hang up; what the server says to that changes nothing."""
    with suppress(Exception):
        connection.close()


def _raise_outcome(error: Exception) -> NoReturn:
    """Judge what went wrong after the connection was open: only a server's answer makes it sure."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code, words = next(iter(error.recipients.values()))
            refused = smtplib.SMTPResponseException(code, words)
            raise _answered(Rejected if code >= 500 else Deferred, refused) from error
        case smtplib.SMTPDataError():
            raise _answered(Rejected if error.smtp_code >= 500 else Deferred, error) from error
        case smtplib.SMTPSenderRefused() if error.smtp_code >= 500:
            raise _answered(SenderBlocked, error) from error
        case smtplib.SMTPSenderRefused() | smtplib.SMTPHeloError():
            raise NotNow(str(error.smtp_code), "The server is busy.", wait=BUSY_SECONDS) from error
        case smtplib.SMTPNotSupportedError():
            raise Rejected("not_supported", str(error)[:400]) from error
        case _:
            raise InDoubt("no_answer", type(error).__name__) from error


def _answered(
    outcome: type[ProviderOutcome], error: smtplib.SMTPResponseException
) -> ProviderOutcome:
    words = error.smtp_error
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
    return outcome(str(error.smtp_code), " ".join(text.split())[:400])
