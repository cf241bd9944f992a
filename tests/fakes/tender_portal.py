"""A local server that behaves like the portal of South Africa's eTenders: rows by number and status, and its faults."""

from __future__ import annotations

import time
from typing import Any

from tests.fakes.serving import LoopbackServer, Reply
from tests.fakes.tender_sources import Fault, query_of


class TenderPortal(LoopbackServer):
    """Serves rows on loopback; `rows` are by status."""

    path = "/Home/PaginatedTenderOpportunities"

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[int, list[dict[str, Any]]] = {}
        self.next_faults: list[Fault] = []
        self.asked: list[tuple[float, str, int]] = []

    @property
    def table_url(self) -> str:
        return f"{self.url}{self.path}"

    def put(self, number: str, *, status: int = 1, **row: Any) -> None:
        self.rows.setdefault(status, []).append({"id": 1, "tender_No": number, **row})

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        asked = query_of(path)
        status, text = int(asked["status"]), asked["search[value]"].lower()
        self.asked.append((time.monotonic(), asked["search[value]"], status))
        # The table searches every column, and only for what contains the text.
        found = [
            row
            for row in self.rows.get(status, [])
            if any(text in str(v).lower() for v in row.values())
        ]
        reply = Reply(200, {"draw": 1, "recordsTotal": len(found), "data": found})
        return self.next_faults.pop(0)(reply) if self.next_faults else reply
