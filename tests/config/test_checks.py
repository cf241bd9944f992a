"""The house's own system checks find what would lose work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from config.checks import (
    alert_check,
    public_url_check,
    queue_check,
    sqlite_check,
    webhook_secret_check,
)

SQLITE = "django.db.backends.sqlite3"
POSTGRESQL = "django.db.backends.postgresql"


@pytest.fixture
def database(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretend that the database is set up otherwise."""

    def pretend(engine: str, *, atomic_requests: bool = False) -> None:
        monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", engine)
        monkeypatch.setitem(settings.DATABASES["default"], "ATOMIC_REQUESTS", atomic_requests)

    return pretend


def ids(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


def test_our_own_settings_are_sound() -> None:
    assert queue_check() == []
    assert sqlite_check() == []


def test_a_task_must_not_be_offered_again_while_it_runs(settings: Any) -> None:
    settings.Q_CLUSTER = {"timeout": 60, "retry": 60}
    assert ids(queue_check()) == ["config.E001"]

    settings.Q_CLUSTER = {"timeout": 60, "retry": 61}
    assert queue_check() == []


def test_sqlite_must_not_hold_a_transaction_per_request(database: Callable[..., None]) -> None:
    database(SQLITE, atomic_requests=True)
    assert ids(sqlite_check()) == ["config.E002"]


def test_sqlite_with_many_workers_is_warned_of(
    settings: Any, database: Callable[..., None]
) -> None:
    database(SQLITE)
    settings.WORKERS = 5
    assert ids(sqlite_check()) == ["config.W001"]

    settings.WORKERS = 4
    assert sqlite_check() == []


def test_postgresql_may_have_both(settings: Any, database: Callable[..., None]) -> None:
    database(POSTGRESQL, atomic_requests=True)
    settings.WORKERS = 40
    assert sqlite_check() == []


def test_unsubscribe_links_must_be_https(settings: Any) -> None:
    settings.PUBLIC_URL = "http://longhaul.example"
    assert ids(public_url_check()) == ["config.W002"]

    settings.PUBLIC_URL = "https://longhaul.example"
    assert public_url_check() == []


def test_alerts_must_reach_somebody(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.ALERT_EMAILS = []
    assert ids(alert_check()) == ["config.W003"]

    settings.ALERT_EMAILS = ["staff@longhaul.example"]
    assert alert_check() == []

    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert ids(alert_check()) == ["config.W003"]


@pytest.mark.parametrize("secret", ["whsec_", "whsec_ü", "whsec_not base64!", ""])
def test_a_misspelt_webhook_secret_is_found(settings: Any, secret: str) -> None:
    settings.RESEND_WEBHOOK_SECRET = [secret]

    assert [found.id for found in webhook_secret_check()] == ["config.E003"]


def test_a_webhook_secret_as_resend_shows_it_is_good(settings: Any) -> None:
    settings.RESEND_WEBHOOK_SECRET = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]

    assert webhook_secret_check() == []
