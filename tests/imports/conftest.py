"""Files of contacts, and how to import one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imports.actions import start_import
from imports.models import ImportBatch
from jobs.testing import run_until_idle


@pytest.fixture(autouse=True)
def var_dir(settings, tmp_path: Path) -> Path:
    """Keep the files of each test apart."""
    settings.VAR_DIR = tmp_path / "var"
    return settings.VAR_DIR


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Return a file with this content, text being written as UTF-8."""

    def write(content: str | bytes, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def imported(db: None, csv_file: Callable[..., Path]) -> Callable[..., ImportBatch]:
    """Import a content, or a file, to its end."""

    def run(content: str | bytes | Path, **options: Any) -> ImportBatch:
        path = content if isinstance(content, Path) else csv_file(content)
        batch = start_import(path, actor="staff:alice", **options)
        run_until_idle()
        batch.refresh_from_db()
        return batch

    return run
