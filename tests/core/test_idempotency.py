"""A request that is sent twice under one key is carried out once and answered alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from core import clock
from core.models import AuditEntry, IdempotencyRecord

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.example_api")]


@pytest.fixture
def writer(api: Callable[..., APIClient]) -> APIClient:
    client = api("notes:write")
    client.raise_request_exception = False
    return client


def post(client: APIClient, text: str = "hello", *, key: str = "k1") -> Any:
    return client.post("/api/notes", {"text": text}, headers={"Idempotency-Key": key})


def notes() -> int:
    return AuditEntry.objects.filter(verb="note").count()


def test_the_second_request_gets_the_first_ones_answer(writer: APIClient) -> None:
    first = post(writer)
    second = post(writer)

    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json() == first.json()
    assert second["Location"] == first["Location"]
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert notes() == 1


def test_another_key_is_another_request(writer: APIClient) -> None:
    post(writer, key="k1")
    post(writer, key="k2")

    assert notes() == 2


def test_without_a_key_every_request_counts(writer: APIClient) -> None:
    writer.post("/api/notes", {"text": "hello"})
    writer.post("/api/notes", {"text": "hello"})

    assert notes() == 2
    assert not IdempotencyRecord.objects.exists()


def test_two_callers_may_use_the_same_key(api: Callable[..., APIClient]) -> None:
    post(api("notes:write"))
    post(api("notes:write"))

    assert notes() == 2


def test_another_body_under_a_used_key_is_refused(writer: APIClient) -> None:
    post(writer, "hello")
    response = post(writer, "other")

    assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
    assert notes() == 1


def test_a_request_in_flight_is_a_conflict(writer: APIClient) -> None:
    post(writer)
    IdempotencyRecord.objects.update(status=None)

    response = post(writer)

    assert (response.status_code, response.json()["code"]) == (409, "idempotency_in_flight")
    assert notes() == 1


def test_a_request_that_died_in_flight_may_be_repeated_after_a_minute(writer: APIClient) -> None:
    post(writer)
    IdempotencyRecord.objects.update(status=None)

    with clock.travel(by=timedelta(seconds=61)):
        assert post(writer).status_code == 202
    assert notes() == 2


@pytest.mark.parametrize(("text", "status"), [("conflict", 409), ("boom", 500)])
def test_what_did_not_succeed_leaves_nothing_and_may_be_repeated(
    writer: APIClient, text: str, status: int
) -> None:
    assert post(writer, text).status_code == status

    assert notes() == 0
    assert not IdempotencyRecord.objects.exists()
    assert post(writer, "hello").status_code == 202


def test_an_answer_is_kept_for_a_day(writer: APIClient) -> None:
    post(writer)
    with clock.travel(by=timedelta(hours=23)):
        assert post(writer)["Idempotent-Replayed"] == "true"
    with clock.travel(by=timedelta(hours=25)):
        assert "Idempotent-Replayed" not in post(writer)

    assert notes() == 2
    assert IdempotencyRecord.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ"])
def test_a_key_that_is_none_is_refused(writer: APIClient, key: str) -> None:
    response = post(writer, key=key)

    assert (response.status_code, response.json()["code"]) == (422, "invalid_idempotency_key")
    assert notes() == 0


def test_a_request_that_was_given_up_rolls_everything_back(
    writer: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = AuditEntry.objects.create

    def create_slowly(**fields: Any) -> AuditEntry:
        IdempotencyRecord.objects.all().delete()  # a later request took the key over
        return create(**fields)

    monkeypatch.setattr(AuditEntry.objects, "create", create_slowly)
    response = post(writer)

    assert (response.status_code, response.json()["code"]) == (409, "idempotency_lost")
    assert notes() == 0
