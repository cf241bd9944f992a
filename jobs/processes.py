"""Processes of this host: who we are, and whether another is still the one we knew."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import socket
import uuid
from pathlib import Path

HOST = socket.gethostname()
CLUSTER_VARIABLE = "LONGHAUL_CLUSTER"
_PR_SET_PDEATHSIG = 1


def cluster_id() -> uuid.UUID:
    """Return the cluster this process was born in, or an id of its own outside of any."""
    return uuid.UUID(os.environ.setdefault(CLUSTER_VARIABLE, str(uuid.uuid4())))


def birth_of(pid: int) -> str:
    """Return a mark that tells this process from a later one with the same pid; empty when there is none.

    A process that was killed and not yet waited for counts as dead. Where there is no /proc the pid alone must do.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError, IndexError):
        return "" if Path("/proc/self/stat").exists() or not _answers(pid) else "unknown"
    state, started = fields[0], fields[19]
    return "" if state in "ZX" else started


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def is_alive(pid: int, *, born: str) -> bool:
    return birth_of(pid) == born


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies, so that no cluster outlives its supervisor (Linux)."""
    if platform.system() == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
