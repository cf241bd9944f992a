"""Every error answer is a problem: stable code, a pointer to the value, and nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from core.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.example_api")]
Caller = Callable[..., APIClient]


@pytest.fixture
def writer(api: Caller) -> APIClient:
    client = api("notes:write")
    client.raise_request_exception = False
    return client


def no_note_was_kept() -> bool:
    return not AuditEntry.objects.filter(verb="note").exists()


def post(client: APIClient, body: Any) -> Any:
    response = client.post("/api/notes", body, format="json")
    assert response["Content-Type"] == "application/problem+json"
    return response.json()


def test_an_invalid_body_gets_one_entry_per_value_with_its_pointer(writer: APIClient) -> None:
    body = {
        "text": "far too long a text",
        "lines": [{"amount": 1}, {"amount": "x"}],
        "tags": [1, "y"],
    }

    problem = post(writer, body)

    assert problem == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The body has 3 invalid values.",
        "code": "invalid",
        "errors": [
            {
                "pointer": "#/text",
                "code": "max_length",
                "detail": "Ensure this field has no more than 11 characters.",
            },
            {
                "pointer": "#/lines/1/amount",
                "code": "invalid",
                "detail": "A valid integer is required.",
            },
            {"pointer": "#/tags/1", "code": "invalid", "detail": "A valid integer is required."},
        ],
    }
    assert no_note_was_kept()


def test_an_error_of_the_whole_body_points_at_the_whole(writer: APIClient) -> None:
    problem = post(writer, {"text": "whole"})

    expected = {"pointer": "#", "code": "wrong", "detail": "The note as a whole is wrong."}
    assert problem["errors"] == [expected]
    assert problem["detail"] == "The body has 1 invalid value."


def test_a_body_of_another_shape_is_invalid(writer: APIClient) -> None:
    problem = post(writer, [1])

    assert (problem["status"], problem["errors"][0]["pointer"]) == (400, "#")


@pytest.mark.parametrize(
    ("text", "status", "title"),
    [
        ("refused", 422, "Unprocessable Entity"),
        ("conflict", 409, "Conflict"),
        ("not_allowed", 403, "Forbidden"),
        ("not_found", 404, "Not Found"),
    ],
)
def test_a_refusal_has_its_own_status(
    writer: APIClient, text: str, status: int, title: str
) -> None:
    response = writer.post("/api/notes", {"text": text})

    assert (response.status_code, response.json()["title"]) == (status, title)
    assert response.json()["code"] == text


def test_a_refusal_names_field_and_remedy(writer: APIClient) -> None:
    assert post(writer, {"text": "refused"}) == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "The text 'no' is taken.",
        "code": "refused",
        "remedy": "Say yes.",
        "errors": [{"pointer": "#/text", "code": "refused", "detail": "The text 'no' is taken."}],
    }


@pytest.mark.parametrize(
    "body",
    ["{", "", "nonsense", '{"text": NaN}', b"\xff\xfe\xff", "[" * 100_000, '{"text": "a\\u0000"}']
    + ['{"text": "\\ud800"}', '{"text": 1e999}'],
    ids=["cut", "empty", "words", "nan", "bytes", "deep", "nul", "half_pair", "infinite"],
)
def test_a_body_that_is_not_json_is_a_400(writer: APIClient, body: str | bytes) -> None:
    response = writer.generic("POST", "/api/notes", body, content_type="application/json")

    assert response.status_code == 400
    assert response.json()["status"] == 400
    assert no_note_was_kept()


def test_a_body_that_is_not_json_hears_where_it_went_wrong(writer: APIClient) -> None:
    response = writer.generic("POST", "/api/notes", '{"text": }', content_type="application/json")

    assert response.json()["code"] == "not_json"
    expected = "The body is not JSON: Expecting value: line 1 column 10 (char 9)."
    assert response.json()["detail"] == expected


def test_a_form_is_not_a_body(writer: APIClient) -> None:
    response = writer.generic("POST", "/api/notes", "text=a", "application/x-www-form-urlencoded")

    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")
    assert no_note_was_kept()


def test_a_body_beyond_the_limit_is_refused(writer: APIClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    response = writer.post("/api/notes", {"text": "a little more"})

    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")
    assert no_note_was_kept()


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS"])
def test_a_method_that_is_not_offered_is_a_405(writer: APIClient, method: str) -> None:
    response = writer.generic(method, "/api/notes")

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_an_unknown_address_under_api_is_a_problem_for_anybody() -> None:
    response = Client().get("/api/nothing")

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["detail"] == "There is no /api/nothing. See /api/v1/schema."


def test_an_unknown_address_elsewhere_is_a_page() -> None:
    response = Client().get("/nothing")

    assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_what_nobody_foresaw_is_a_500_that_tells_nothing(writer: APIClient) -> None:
    response = writer.post("/api/notes", {"text": "boom"})

    assert (response.status_code, response["Content-Type"]) == (500, "application/problem+json")
    assert "inside" not in response.json()["detail"].replace("our side", "")
    assert "secret" not in response.content.decode()
