"""System checks of the house: combinations of settings that would lose work or slow it to a halt."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from messaging.webhooks import svix

SQLITE = "django.db.backends.sqlite3"
MANY_WORKERS = 4


@register(Tags.compatibility)
def queue_check(**_: Any) -> list[CheckMessage]:
    """A task that is offered again before its time is up would run twice."""
    if settings.Q_CLUSTER["retry"] > settings.Q_CLUSTER["timeout"]:
        return []
    hint = "Set Q_CLUSTER['retry'] above Q_CLUSTER['timeout']."
    return [
        Error("A task would be offered again while it still runs.", hint=hint, id="config.E001")
    ]


@register(Tags.database)
def sqlite_check(**_: Any) -> list[CheckMessage]:
    """SQLite has one writer at a time for the whole file."""
    database = settings.DATABASES["default"]
    if database["ENGINE"] != SQLITE:
        return []
    found: list[CheckMessage] = []
    if database.get("ATOMIC_REQUESTS"):
        hint = "Remove ATOMIC_REQUESTS: even a block that only reads takes the write lock."
        found.append(
            Error("Every request would wait for every other.", hint=hint, id="config.E002")
        )
    if settings.WORKERS > MANY_WORKERS:
        hint = f"Set WORKERS to {MANY_WORKERS} or fewer, or DATABASE_URL to a PostgreSQL."
        message = f"{settings.WORKERS} workers would queue for SQLite's one writer."
        found.append(Warning(message, hint=hint, id="config.W001"))
    return found


@register(Tags.compatibility)
def webhook_secret_check(**_: Any) -> list[CheckMessage]:
    """With a misspelt secret every webhook would end in an error of ours."""
    hint = "Copy it from the webhook's page at Resend: it begins with whsec_."
    try:
        for secret in settings.RESEND_WEBHOOK_SECRET:
            svix.key_of(secret)
    except ValueError:
        return [Error("RESEND_WEBHOOK_SECRET is no signing secret.", hint=hint, id="config.E003")]
    return []


@register(Tags.security, deploy=True)
def public_url_check(**_: Any) -> list[CheckMessage]:
    """One-click unsubscribe links must be https (RFC 8058, section 3.1)."""
    if settings.PUBLIC_URL.startswith("https://"):
        return []
    hint = "Set PUBLIC_URL to the https:// address at which recipients reach this site."
    message = f"Unsubscribe links would begin with {settings.PUBLIC_URL}."
    return [Warning(message, hint=hint, id="config.W002")]


@register(Tags.compatibility, deploy=True)
def alert_check(**_: Any) -> list[CheckMessage]:
    """A sender that pauses in the night should wake somebody."""
    if settings.ALERT_EMAILS and "console" not in settings.EMAIL_BACKEND:
        return []
    hint = (
        "Set ALERT_EMAILS to who should know, and EMAIL_URL to a mail server that takes it there."
    )
    message = "Nobody gets mail when a sender is paused by its provider."
    return [Warning(message, hint=hint, id="config.W003")]
