"""The log names API keys and never tells their secrets."""

from __future__ import annotations

import logging

import pytest
from django.conf import settings
from django.test import Client

from core.logs import SecretsHidden

SECRET = "key_live_3f9a01c2_Zk3-q_9LmXw"


def shown(record: logging.LogRecord) -> str:
    assert SecretsHidden().filter(record)
    return record.getMessage()


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("Bad Request: /e/%s", (SECRET,)),
        (f"Bad Request: /e/{SECRET}", ()),
    ],
)
def test_of_a_token_only_the_keys_name_is_shown(message: str, args: tuple[str, ...]) -> None:
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, message, args, None)

    assert shown(record) == "Bad Request: /e/key_live_3f9a01c2_…"


def test_other_lines_stay_as_they_are() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%d of %d", (1, 2), None)

    assert (shown(record), record.args) == ("1 of 2", (1, 2))


def test_every_handler_hides_secrets() -> None:
    assert [handler["filters"] for handler in settings.LOGGING["handlers"].values()] == [
        ["secrets"]
    ]


@pytest.mark.django_db
def test_a_token_in_an_address_does_not_reach_the_log(caplog: pytest.LogCaptureFixture) -> None:
    Client().post(f"/e/{SECRET}", "{}", content_type="application/json")

    assert [shown(record) for record in caplog.records] == ["Unauthorized: /e/key_live_3f9a01c2_…"]
