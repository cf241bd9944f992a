"""Lists come in pages with a cursor, newest first, of bounded size."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from core.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.example_api")]


@pytest.fixture
def reader(api: Callable[..., APIClient]) -> APIClient:
    rows = [AuditEntry(verb="note", actor="system", object_type=f"n{n}") for n in range(230)]
    AuditEntry.objects.bulk_create(rows)
    return api("notes:read")


def test_a_page_has_fifty_rows_newest_first(reader: APIClient) -> None:
    page = reader.get("/api/notes").json()

    assert page["results"] == [f"n{n}" for n in range(229, 179, -1)]
    assert page["previous"] is None


def test_following_next_yields_every_row_once(reader: APIClient) -> None:
    address, seen = "/api/notes?limit=100", []
    while address:
        page = reader.get(address).json()
        seen += page["results"]
        address = page["next"]

    assert seen == [f"n{n}" for n in range(229, -1, -1)]


def test_a_page_has_at_most_two_hundred_rows(reader: APIClient) -> None:
    assert len(reader.get("/api/notes?limit=5000").json()["results"]) == 200


@pytest.mark.parametrize("cursor", ["x", "", b64encode(b"p=no-number").decode()])
def test_a_cursor_that_is_none_is_a_problem_or_the_start(reader: APIClient, cursor: str) -> None:
    response = reader.get("/api/notes", {"cursor": cursor})

    assert response.status_code == (404 if cursor else 200)
