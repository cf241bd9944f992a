"""Files, and how to import one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from imports.actions import create_batch, store_path, store_upload
from imports.models import CsvBatch
from jobs.testing import run_until_idle


@pytest.fixture(autouse=True)
def var_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the files of each test apart."""
    monkeypatch.setattr(settings, "VAR_DIR", tmp_path / "var")
    return tmp_path / "var"


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Return a file with this content, text being written as UTF-8."""

    def write(content: str | bytes, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def created(db: None) -> Callable[..., CsvBatch]:
    """Begin an import of a content, or a file; its run has not been driven yet."""

    def create(content: str | bytes | Path, **details: Any) -> CsvBatch:
        if isinstance(content, Path):
            file, name = store_path(content), content.name
        else:
            data = content.encode() if isinstance(content, str) else content
            file, name = store_upload([data]), "people.csv"
        given = {"target": "contacts", "actor": "staff:alice", "file_name": name, **details}
        return create_batch(file, **given)

    return create


@pytest.fixture
def imported(created: Callable[..., CsvBatch]) -> Callable[..., CsvBatch]:
    """Import a content, or a file, as far as it goes by itself: to its end unless told otherwise."""

    def run(content: str | bytes | Path, **details: Any) -> CsvBatch:
        batch = created(content, **{"go": "import", **details})
        run_until_idle()
        batch.refresh_from_db()
        return batch

    return run
