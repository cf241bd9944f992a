"""A local HTTP server that behaves like Twilio's Messages: `python -m tests.fakes.twilio_server --port 8898`.

Besides `POST` and `GET /2010-04-01/Accounts/{Sid}/Messages.json` and `GET …/Messages/{Sid}.json` it answers, for
rehearsals in other processes:

    GET  /_control/ledger                 every SMS that was taken
    POST /_control/faults  {"cut_rate": 0.05, …}
"""

from __future__ import annotations

import argparse
import json
import re
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.fakes.serving import LoopbackServer, Reply
from tests.fakes.twilio_account import Faults, Refusal, Taken, TwilioAccount

MESSAGES = re.compile(r"/2010-04-01/Accounts/(?P<account>[^/]+)/Messages(?:/(?P<sid>[^/]+))?\.json")


class TwilioServer(LoopbackServer):
    """Serves one account on loopback."""

    def __init__(self, account: TwilioAccount | None = None, *, port: int = 0) -> None:
        super().__init__(port=port)
        self.account = account or TwilioAccount()

    @property
    def taken(self) -> list[Taken]:
        return self.account.taken

    def misbehave(self, **faults: Any) -> None:
        self.account.misbehave(**faults)

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        parts = urlsplit(path)
        match = MESSAGES.fullmatch(parts.path)
        if match is None:
            return self._control(method, parts.path, body)
        if self.keeps_requests:
            self.requests.append((headers, body or parts.query.encode()))
        if match["sid"]:
            return self.account.read(match["account"], match["sid"], headers)
        if method == "POST":
            return self.account.send(match["account"], dict(parse_qsl(body.decode())), headers)
        return self.account.list(match["account"], dict(parse_qsl(parts.query)), headers)

    def _control(self, method: str, path: str, body: bytes) -> Reply:
        match method, path:
            case "GET", "/_control/ledger":
                return Reply(200, {"taken": [asdict(entry) for entry in self.taken]})
            case "POST", "/_control/faults":
                self.misbehave(**json.loads(body))
                return Reply(200, asdict(self.account.faults))
            case _:
                return Refusal(404, 20404, "The requested resource was not found").reply


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8898)
    parser.add_argument("--faults", type=json.loads, default={}, help=f"JSON; like {Faults()}")
    options = parser.parse_args()
    account = TwilioAccount()
    account.misbehave(**options.faults)
    server = TwilioServer(account, port=options.port)
    print(f"A server that behaves like Twilio listens on {server.url}", flush=True)  # noqa: T201
    print(f"TWILIO_ACCOUNT_SID={account.sid} TWILIO_AUTH_TOKEN={account.token}", flush=True)  # noqa: T201
    server.serve_forever()


if __name__ == "__main__":
    main()
