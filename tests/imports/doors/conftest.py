"""Somebody at a door with a file in their hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from imports.models import CsvBatch

ADD = "/admin/imports/csvbatch/add/"
IMPORTS = "/api/v1/imports"
SCOPES = ("imports:read", "imports:write", "imports:run", "imports:undo")


def file_of(content: str | bytes | Path, name: str = "people.csv") -> SimpleUploadedFile:
    """Return a file as a browser sends one."""
    if isinstance(content, Path):
        return SimpleUploadedFile(content.name, content.read_bytes())
    data = content.encode() if isinstance(content, str) else content
    return SimpleUploadedFile(name, data, content_type="text/csv")


@pytest.fixture
def robot(api: Callable[..., APIClient]) -> APIClient:
    """A program that may do everything with imports."""
    return api(*SCOPES)


@pytest.fixture
def send() -> Callable[..., Any]:
    """Upload a content over the API; returns the answer."""

    def post(client: APIClient, content: str | bytes | Path, **fields: Any) -> Any:
        name = fields.pop("name", "people.csv")
        headers = {f"HTTP_{key}": fields.pop(key) for key in ["IDEMPOTENCY_KEY"] if key in fields}
        form = {"target": "contacts", "file": file_of(content, name), **fields}
        kind = {"format": "multipart"} if isinstance(client, APIClient) else {}
        return client.post(IMPORTS, form, **kind, **headers)

    return post


@pytest.fixture
def hand_in() -> Callable[..., Any]:
    """Upload a content in the admin; returns the answer."""

    def post(client: Client, content: str | bytes | Path, **fields: Any) -> Any:
        name = fields.pop("name", "people.csv")
        by_script = (
            {"headers": {"X-Requested-With": "XMLHttpRequest"}}
            if fields.pop("by_script", 0)
            else {}
        )
        form = {"target": "contacts", "file": file_of(content, name), **fields}
        return client.post(ADD, form, **by_script)

    return post


@pytest.fixture
def place() -> Callable[..., str]:
    """Return the address of one of a batch's pages."""

    def of(batch: CsvBatch, page: str) -> str:
        return f"/admin/imports/csvbatch/{batch.pk}/{page}/"

    return of
