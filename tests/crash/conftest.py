"""The theatre of the crash tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash import theatre as stage


@pytest.fixture(scope="session")
def stage_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str | Path]:
    template = stage.make_template(tmp_path_factory.mktemp("stage"))
    yield template
    stage.drop_template(template)


@pytest.fixture
def theatre(stage_template: str | Path, tmp_path: Path) -> Iterator[stage.Theatre]:
    """A migrated database of its own, and real processes over it."""
    built = stage.Theatre(tmp_path, stage.clone(stage_template, tmp_path))
    yield built
    built.drop()
