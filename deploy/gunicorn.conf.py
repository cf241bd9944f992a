"""The web server: a few processes with threads, no state of their own."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import environ

environ.Env.read_env(os.environ.get("ENV_FILE", str(Path(__file__).parent.parent / ".env")))
env = environ.Env()

host = env.str("HOST", default="127.0.0.1")
port = env.int("PORT", default=8000)
bind = f"{host}:{port}"
workers = env.int("WEB_PROCESSES", default=2)
threads = env.int("WEB_THREADS", default=4)
worker_class = "gthread"
timeout = 60
graceful_timeout = 30
max_requests = 5000  # a slow leak never grows old
max_requests_jitter = 500
control_socket_disable = True  # it would want a writable home
reload = env.bool("DEBUG", default=True)

#: What the system takes of a request before anybody reads it. To its sender that has arrived: so an upload of any size
#: is answered soon after its last byte only where this is little. Linux would let it grow to megabytes.
UNREAD_BYTES = 512 * 1024


def when_ready(server: Any) -> None:
    """Bound what stands unread in a connection; each one that is accepted takes after its listener."""
    for listener in server.LISTENERS:
        listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD_BYTES)
