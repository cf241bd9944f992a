"""HTTP on loopback for the fake providers: an answer, a handler that can cut the line, a server that stops itself."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """An HTTP answer; `cut` closes the connection instead of sending it, `is_fresh` tells that mail was just taken."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    is_fresh: bool = False
    #: Sent instead of the body, where a server talks nonsense.
    raw: bytes | None = None


class Handler(BaseHTTPRequestHandler):
    """HTTP on one side, the account on the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: LoopbackServer

    def do_GET(self) -> None:
        self._route("GET")

    def do_POST(self) -> None:
        self._route("POST")

    def _route(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        reply = self.server.answer(method, self.path, body, self._headers())
        if reply.is_fresh and self.server.before_answer:
            self.server.before_answer(self.client_address[1])
        self._answer(reply)

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _answer(self, reply: Reply) -> None:
        if reply.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = json.dumps(reply.body).encode() if reply.raw is None else reply.raw
        self.send_response(reply.status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests' output clean."""


class LoopbackServer(ThreadingHTTPServer):
    """A context manager that stops itself; `answer` is what the provider does."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.connections = 0
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.keeps_requests = False
        #: Called with the client's port when mail has been taken, while the client still waits for the answer.
        self.before_answer: Callable[[int], None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        raise NotImplementedError

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of a request is part of the tests."""

    def __enter__(self) -> Any:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.server_close()
