"""A small SMTP server on loopback: takes mail, refuses it as told, cuts the line at the worst moment."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


class Session(socketserver.StreamRequestHandler):
    """One client: a line in, a line out (RFC 5321)."""

    server: SmtpServer

    def handle(self) -> None:
        if self.server.faults.get("greeting"):
            self.say(self.server.faults["greeting"])
            return
        self.say("220 longhaul.test ready")
        for line in self.rfile:
            word = line.decode().strip()
            verb = word.partition(" ")[0].upper()
            fault = self.server.faults.get(verb, "")
            if fault == "cut":
                return
            if fault:
                self.say(fault)
            elif verb == "DATA":
                if not self.take():
                    return
            elif verb == "QUIT":
                self.say("221 Bye")
                return
            else:
                self.say({"EHLO": "250-longhaul.test\r\n250 AUTH PLAIN"}.get(verb, "250 OK"))

    def take(self) -> bool:
        """Take one message; False where the line is cut afterwards."""
        self.say("354 Go on")
        lines = iter(self.rfile.readline, b".\r\n")
        content = b"".join(line[1:] if line.startswith(b"..") else line for line in lines)
        fault = self.server.faults.get("END", "")
        if fault and fault != "cut":
            self.say(fault)
            return True
        self.server.taken.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        if fault == "cut":
            return False
        self.say("250 OK queued")
        return True

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


class SmtpServer(socketserver.ThreadingTCPServer):
    """Keeps what it takes. `faults` maps a verb, `greeting` or `END` (after the message) to an answer, or to `cut`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.taken: list[EmailMessage] = []
        self.faults: dict[str, str] = {}

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""

    def __enter__(self) -> SmtpServer:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}).start()
        return self

    def __exit__(self, *args: object) -> None:
        self.shutdown()
        self.server_close()
