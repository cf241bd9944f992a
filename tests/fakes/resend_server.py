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
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.fakes.resend_account import Accepted, Faults, Refusal, ResendAccount
from tests.fakes.serving import LoopbackServer, Reply


class ResendServer(LoopbackServer):
    """Serves one account on loopback."""

    def __init__(self, account: ResendAccount | None = None, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.account = account or ResendAccount()

    @property
    def accepted(self) -> list[Accepted]:
        return self.account.accepted

    def misbehave(self, **faults: Any) -> None:
        self.account.misbehave(**faults)

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

    def __exit__(self, *args: object) -> None:
        super().__exit__(*args)
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
