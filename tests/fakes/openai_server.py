"""A local HTTP server that behaves like OpenAI's chat completions, stored ones included.

GET  /_control/paid                   every completion that was made
POST /_control/faults  {"script": [["cut"]], …}
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from tests.fakes.openai_account import OpenAiAccount, Paid
from tests.fakes.serving import LoopbackServer, Reply

COMPLETIONS = "/v1/chat/completions"


class OpenAiServer(LoopbackServer):
    """Serves one account on loopback."""

    def __init__(self, account: OpenAiAccount | None = None, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.account = account or OpenAiAccount()

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    @property
    def paid(self) -> list[Paid]:
        return list(self.account.paid)

    def misbehave(self, **faults: Any) -> None:
        self.account.misbehave(**faults)

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        place, _, query = path.partition("?")
        if place == COMPLETIONS and method == "POST":
            if self.keeps_requests:
                self.requests.append((headers, body))
            return self.account.complete(body, headers)
        if place == COMPLETIONS and method == "GET":
            return self.account.list(query, headers)
        control = self._controls().get((method, path))
        return control(json.loads(body or b"{}")) if control else Reply(404, {})

    def _controls(self) -> dict[tuple[str, str], Callable[[dict[str, Any]], Reply]]:
        return {
            ("GET", "/_control/paid"): lambda _: Reply(
                200, {"paid": [asdict(entry) for entry in self.paid]}
            ),
            ("POST", "/_control/faults"): self._set_faults,
        }

    def _set_faults(self, changes: dict[str, Any]) -> Reply:
        self.misbehave(**changes)
        return Reply(200, asdict(self.account.faults))
