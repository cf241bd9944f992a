"""A connection to a provider that is kept alive between calls, and never across a fork or a long rest."""

from __future__ import annotations

import os
import threading
import time

import requests

#: Seconds to connect and to wait for an answer.
TIMEOUT = (5, 30)
#: An idle connection may be closed at the other end without our seeing it: better a new one.
IDLE_SECONDS = 30.0


class KeptAlive:
    """One `requests.Session` per process and thread."""

    def __init__(self) -> None:
        self._local = threading.local()

    def session(self) -> requests.Session:
        """Return this thread's session; a new one after a fork or a long rest."""
        local = self._local
        if getattr(local, "pid", None) != os.getpid():
            self._open()
        elif time.monotonic() - local.used_at > IDLE_SECONDS:
            local.session.close()
            self._open()
        local.used_at = time.monotonic()
        session: requests.Session = local.session
        return session

    def _open(self) -> None:
        self._local.session, self._local.pid = requests.Session(), os.getpid()
