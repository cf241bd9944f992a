"""The API's description is whole, current, and shown without asking any other server."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.conf import settings
from django.core.management import call_command
from django.test import Client


@pytest.fixture(scope="module")
def description() -> str:
    out = StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return out.getvalue()


def test_the_committed_description_is_current(description: str) -> None:
    committed = Path(settings.BASE_DIR, "docs", "openapi.yaml").read_text()

    assert yaml.safe_load(committed) == yaml.safe_load(description), "Run: make openapi"


def test_every_operation_may_answer_with_a_problem(description: str) -> None:
    paths = yaml.safe_load(description)["paths"]

    problems = [op["responses"]["default"] for path in paths.values() for op in path.values()]
    assert all("application/problem+json" in answer["content"] for answer in problems)


def test_every_post_that_starts_work_heeds_the_repeat_header(description: str) -> None:
    paths = yaml.safe_load(description)["paths"]
    starting = [
        path["post"]
        for path in paths.values()
        if "202" in path.get("post", {}).get("responses", {})
    ]

    names = [[p["name"] for p in operation.get("parameters", [])] for operation in starting]
    assert len(names) > 0
    assert all("Idempotency-Key" in found for found in names)


@pytest.mark.django_db
def test_the_pages_of_the_api_come_from_here(client: Client) -> None:
    page = client.get("/api/v1/docs").content.decode()

    assert re.findall(r'(?:src|href)="(https?:)?//', page) == []
    assert client.get("/api/v1/schema").status_code == 200
