"""Memory of a process tree: proportional set size (PSS), which counts shared pages once."""

from __future__ import annotations

from pathlib import Path

from tests.crash.theatre import family


def pss_megabytes(pid: int) -> float:
    """Return the PSS of a process and all its descendants, in MB (Linux)."""
    return sum(_pss_kilobytes(each) for each in [pid, *family(pid)]) / 1024


def biggest_megabytes(pid: int) -> float:
    """Return the PSS of the biggest single process below one, in MB: of the worker that is at work."""
    return max((_pss_kilobytes(each) for each in family(pid)), default=0) / 1024


def _pss_kilobytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
