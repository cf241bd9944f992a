"""Workers leave the processor to the web first, in whatever way this system shares it out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobs.cluster import NICENESS

AUTOGROUP = Path("/proc/self/autogroup")
COMMAND = "import os; from jobs.cluster import be_polite; be_polite(); print(os.nice(0))"


def in_a_session_of_its_own(command: str) -> str:
    """Run Python as the supervisor runs the cluster; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", command],
        start_new_session=True,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_cluster_is_nice_within_its_session() -> None:
    before = int(in_a_session_of_its_own("import os; print(os.nice(0))"))

    assert int(in_a_session_of_its_own(COMMAND)) == min(before + NICENESS, 19)


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="this kernel has no autogroups")
def test_a_cluster_is_nice_as_a_session_beside_others() -> None:
    told = in_a_session_of_its_own(f"{COMMAND}; print(open({str(AUTOGROUP)!r}).read())")

    assert told.endswith(f"nice {NICENESS}")
