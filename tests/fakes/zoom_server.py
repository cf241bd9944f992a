"""A local HTTP server that behaves like Zoom: tokens of a server-to-server app, and registrants of meetings."""

from __future__ import annotations

import json
import re
import threading
import time
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.serving import LoopbackServer, Reply

ACCOUNT, CLIENT, SECRET = "acc-1", "client-1", "secret-1"
REGISTRANTS = re.compile(r"/v2/meetings/(\d{9,12})/registrants")


class ZoomServer(LoopbackServer):
    """One account with some meetings. Registrants are known by their address: a second call answers the first's."""

    def __init__(self, *, meetings: tuple[str, ...] = ("81234567890",), port: int = 0) -> None:
        super().__init__(port=port)
        self.meetings = meetings
        self.registrants: dict[tuple[str, str], dict[str, Any]] = {}
        self.tokens: set[str] = set()
        self.calls = 0
        #: Answers to the next calls about registrants: a status, or "cut" (accepted, and the line is cut).
        self.script: list[int | str] = []
        self.retry_after = "7"  # of a 429
        self.gives_tokens = True
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        with self._lock:
            if (method, path) == ("POST", "/oauth/token"):
                return self._token(body, headers)
            found = REGISTRANTS.fullmatch(path)
            if method != "POST" or not found:
                return Reply(404, {"code": 404, "message": "Not found"})
            return self._register(found[1], json.loads(body), headers)

    def end_tokens(self) -> None:
        """Let every token be invalid from now on."""
        self.tokens.clear()

    def _token(self, body: bytes, headers: dict[str, str]) -> Reply:
        given = b64decode(headers.get("authorization", "").removeprefix("Basic ")).decode()
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        wanted = {"grant_type": "account_credentials", "account_id": ACCOUNT}
        if given != f"{CLIENT}:{SECRET}" or form != wanted:
            return Reply(
                400, {"reason": "Invalid client_id or client_secret", "error": "invalid_client"}
            )
        if not self.gives_tokens:
            return Reply(200, {"token_type": "bearer"})
        token = f"token-{len(self.tokens)}-{time.monotonic_ns()}"
        self.tokens.add(token)
        return Reply(200, {"access_token": token, "token_type": "bearer", "expires_in": 3600})

    def _register(self, meeting: str, person: dict[str, Any], headers: dict[str, str]) -> Reply:
        self.calls += 1
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return Reply(401, {"code": 124, "message": "Invalid access token."})
        wish = self.script.pop(0) if self.script else 201
        if wish == 429:
            return Reply(
                429, {"code": 429, "message": "Too many"}, {"Retry-After": self.retry_after}
            )
        if isinstance(wish, int) and wish >= 400:
            return Reply(wish, {"code": wish, "message": "It went wrong."})
        if meeting not in self.meetings:
            return Reply(404, {"code": 3001, "message": f"Meeting does not exist: {meeting}."})
        number = len(self.registrants) + 1
        registrant = self.registrants.setdefault(
            (meeting, person["email"]),
            {
                "id": int(meeting),
                "registrant_id": f"reg-{number}",
                "join_url": f"https://zoom.us/w/{meeting}?tk={number}",
                "topic": "Open day",
                "start_time": "2027-03-15T16:00:00Z",
            },
        )
        return Reply(201, registrant, cut=wish == "cut")
