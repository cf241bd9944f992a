"""A local HTTP server that behaves like a Content API, well or badly: `GET /blocks/<slug>`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Answers with what the test put in place for this path."""

    protocol_version = "HTTP/1.1"
    server: ContentApi

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Authorization", "")))
        try:
            self.server.behaviour(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client gave up: part of the tests

    def answer(
        self, body: bytes, *, status: int = 200, kind: str = "text/html", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests' output clean."""


Behaviour = Callable[[Handler], None]


def says(html: str) -> Behaviour:
    """Answer as JSON with a member html."""
    return lambda handler: handler.answer(
        json.dumps({"html": html}).encode(), kind="application/json"
    )


def answers(
    status: int, body: bytes = b"", *, kind: str = "text/html", **headers: str
) -> Behaviour:
    return lambda handler: handler.answer(body, status=status, kind=kind, **headers)


def redirects(location: str) -> Behaviour:
    return answers(302, Location=location)


def hangs(handler: Handler) -> None:
    """Say nothing until the test is over."""
    handler.server.over.wait(20)


def drips(handler: Handler) -> None:
    """Send a letter now and then, so that no single wait is long."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    for _ in range(1_000):
        if handler.server.over.wait(0.02):
            return
        handler.wfile.write(b"x")
        handler.wfile.flush()


def breaks_off(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "text/html")
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"<p>half of")
    handler.close_connection = True


class ContentApi(ThreadingHTTPServer):
    """Serves on loopback; a context manager that stops itself."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour: Behaviour = says("<p>Fresh news</p>")
        self.asked: list[tuple[str, str]] = []
        self.over = threading.Event()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/blocks"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up in the middle of an answer is part of the tests."""

    def __enter__(self) -> ContentApi:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()
