"""`make demo` as a newcomer runs it: nobody is lost, nobody is written to twice, and it says so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.crash.theatre import ROOT

pytestmark = [
    pytest.mark.crash,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the demo brings its own SQLite"),
]


def test_the_demo_sends_to_everybody_once_and_can_be_run_again(tmp_path):
    first, second = demo(tmp_path), demo(tmp_path)

    for done in (first, second):
        assert done.returncode == 0, done.stdout + done.stderr
        assert figures(done.stdout)["Sent"] == "1,948"
        assert figures(done.stdout)["Lost"] == figures(done.stdout)["Duplicates"] == "0"
        assert figures(done.stdout)["Worker killed"].startswith("yes")
    assert "2,000 created" in first.stdout
    assert "2,000 unchanged" in second.stdout


def demo(folder) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config.demo", "--folder", str(folder)],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=180,
    )


def figures(text: str) -> dict[str, str]:
    """Return the summary at the end, by name."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("  ")]
    return {line[:14].strip(): line[14:].strip() for line in lines}
