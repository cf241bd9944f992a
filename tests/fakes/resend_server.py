"""A local HTTP server that behaves like Resend: `python -m tests.fakes.resend_server --port 8899 --ledger FILE`.

Besides `POST /emails/batch` it answers, for tests in other processes:

    GET  /_control/ledger                 every accepted e-mail
    GET  /_control/calls                  {"calls": n}
    POST /_control/faults  {"cut_rate": 0.05, …}
    POST /_control/clock   {"advance_seconds": 82800}
"""

from __future__ import annotations

import argparse
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.fakes.resend_account import Accepted, Faults, Refusal, Reply, ResendAccount


class Handler(BaseHTTPRequestHandler):
    """HTTP on one side, the account on the other."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: ResendServer

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
        content = json.dumps(reply.body).encode()
        self.send_response(reply.status)
        self.send_header("content-type", "application/json; charset=utf-8")
        self.send_header("content-length", str(len(content)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests' output clean."""


class ResendServer(ThreadingHTTPServer):
    """Serves one account on loopback; a context manager that stops itself."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, account: ResendAccount | None = None, *, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.account = account or ResendAccount()
        self.connections = 0
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.keeps_requests = False
        #: Called with the client's port when mail has been taken, while the client still waits for the answer.
        self.before_answer: Callable[[int], None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def accepted(self) -> list[Accepted]:
        return self.account.accepted

    def misbehave(self, **faults: Any) -> None:
        self.account.misbehave(**faults)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of a request is part of the tests."""

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        if path == "/emails/batch":
            if method != "POST":
                return Refusal(405, "method_not_allowed").reply
            if self.keeps_requests:
                self.requests.append((headers, body))
            return self.account.send_batch(body, headers)
        control = self._controls().get((method, path))
        return control(json.loads(body or b"{}")) if control else Refusal(404, "not_found").reply

    def _controls(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Reply]]:
        return {
            ("GET", "/_control/ledger"): lambda _: Reply(
                200, {"accepted": [asdict(entry) for entry in self.accepted]}
            ),
            ("GET", "/_control/calls"): lambda _: Reply(200, {"calls": self.account.calls}),
            ("POST", "/_control/faults"): self._set_faults,
            ("POST", "/_control/clock"): self._advance,
        }

    def _set_faults(self, changes: dict[str, Any]) -> Reply:
        self.misbehave(**changes)
        return Reply(200, asdict(self.account.faults))

    def _advance(self, body: dict[str, Any]) -> Reply:
        self.account.advance(body["advance_seconds"])
        return Reply(200, {})

    def __enter__(self) -> ResendServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.server_close()
        self.account.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8899)
    parser.add_argument("--ledger", type=Path, help="append every accepted e-mail as a JSON line")
    parser.add_argument("--api-key", default="re_test")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faults", type=json.loads, default={}, help=f"JSON; like {Faults()}")
    options = parser.parse_args()
    account = ResendAccount(api_key=options.api_key, seed=options.seed, ledger=options.ledger)
    account.misbehave(**options.faults)
    server = ResendServer(account, port=options.port)
    print(f"A server that behaves like Resend listens on {server.url}", flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main()
