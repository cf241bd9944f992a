"""Files of ../shared, real data to test with; the project passes its tests without them.

A test that needs one is skipped where the folder is absent. In `make check` such a skip fails where the
folder is there, so that nothing goes untested unnoticed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture
def shared_data() -> Callable[[str], Path]:
    """Return a file of ../shared; where that folder is absent, the test is skipped and says so."""

    def find(name: str) -> Path:
        if not SHARED.exists():
            pytest.skip(f"../shared is absent: needs shared/{name}")
        return SHARED / name

    return find


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    if report.skipped and os.environ.get("CHECK") and SHARED.exists():
        reason = str(call.excinfo.value) if call.excinfo else ""
        if "shared" in reason:
            report.outcome = "failed"
            report.longrepr = f"Skipped although ../shared is here: {reason}"
    return report
