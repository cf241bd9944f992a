"""Local servers that behave like the sources of notices, with their paging, their dates and their faults."""

from __future__ import annotations

import base64
import json
import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.notices import Board, Notice
from tests.fakes.serving import LoopbackServer, Reply

Fault = Callable[[Reply], Reply]


def package(notices: list[Notice], **members: Any) -> dict[str, Any]:
    return {
        "uri": "https://example.org/package",
        "version": "1.1",
        "publishedDate": "2026-01-01T00:00:00Z",
        "extensions": ["http://127.0.0.1:1/never-fetched/extension.json"],
        "releases": [notice.release for notice in notices],
        **members,
    }


# --- faults: each takes the true answer and spoils it ---------------------------------------------


def fails(status: int = 500) -> Fault:
    return lambda reply: Reply(status, {"message": "Internal Server Error"})


def is_down(reply: Reply) -> Reply:
    return Reply(502, {}, raw=b"<html><title>502 Bad Gateway</title></html>")


def limits_by(status: int, *, seconds: float | None = None) -> Fault:
    """Say that it was asked too fast; without seconds, as Contracts Finder does, in HTML."""
    headers = {} if seconds is None else {"Retry-After": f"{seconds:g}"}
    return lambda reply: Reply(status, {}, headers, raw=b"<html>Forbidden</html>")


def complains(reply: Reply) -> Reply:
    """Status 200, and an error in the body."""
    return Reply(200, {"error": "AxiosError: Request failed with status code 504"})


def cuts_off(reply: Reply) -> Reply:
    return Reply(200, {}, cut=True)


def truncates(reply: Reply) -> Reply:
    """Break off in the middle, with a length that fits."""
    whole = _bytes(reply)
    return Reply(200, {}, raw=whole[: len(whole) * 2 // 3])


def damaged(reply: Reply) -> Reply:
    """Hold one release, the first, that is no JSON: a quotation mark within a text."""
    text = (
        _bytes(reply).decode().replace('"initiationType": "tender"', '"initiationType": "a "b"', 1)
    )
    return Reply(200, {}, raw=text.encode())


def in_latin_1(reply: Reply) -> Reply:
    raw = json.dumps(reply.body, ensure_ascii=False).encode("iso-8859-1")
    return Reply(200, reply.body, raw=raw)


def with_bom(reply: Reply) -> Reply:
    return Reply(200, {}, raw=b"\xef\xbb\xbf" + _bytes(reply))


def with_infinity(reply: Reply) -> Reply:
    """Write a number that JSON allows and no machine holds, in a member that nothing hangs on."""
    text = _bytes(reply).decode().replace('"version": "1.1"', '"version": "1.1", "x": 1e9999', 1)
    return Reply(200, {}, raw=text.encode())


def with_odd_number(reply: Reply) -> Reply:
    text = _bytes(reply).decode().replace('"version": "1.1"', '"version": "1.1", "x": 000', 1)
    return Reply(200, {}, raw=text.encode())


def doubled(reply: Reply) -> Reply:
    """Hold every release twice."""
    return Reply(200, {**reply.body, "releases": reply.body.get("releases", []) * 2})


def without_link(reply: Reply) -> Reply:
    return Reply(200, {name: value for name, value in reply.body.items() if name != "links"})


def _bytes(reply: Reply) -> bytes:
    return reply.raw if reply.raw is not None else json.dumps(reply.body).encode()


HARMLESS: tuple[Fault, ...] = (in_latin_1, with_bom, with_infinity, with_odd_number, doubled)


class TenderServer(LoopbackServer):
    """A source on loopback: a board, an order of faults, and a record of who asked when."""

    def __init__(self, board: Board, *, port: int = 0, page_cap: int = 100, seed: int = 1) -> None:
        super().__init__(port=port)
        self.board = board
        self.page_cap = page_cap
        self.chance = random.Random(seed)
        #: Faults of the next requests, in order; then those that strike at random, and how often.
        self.next_faults: list[Fault | None] = []
        self.faults: tuple[Fault, ...] = ()
        self.fault_rate = 0.0
        self.asked: list[tuple[float, str, int]] = []
        self._lock = threading.Lock()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def list_url(self) -> str:
        return f"{self.url}{self.path}"

    path = "/releases"

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        if path == "/_control/requests":
            return Reply(200, {"asked": self.asked})
        with self._lock:
            at = time.monotonic()
            reply = self._spoilt(self._serve(path))
            self.asked.append((at, path, 0 if reply.cut else reply.status))
            return reply

    def _serve(self, path: str) -> Reply:
        raise NotImplementedError

    def _spoilt(self, reply: Reply) -> Reply:
        if self.next_faults:
            fault = self.next_faults.pop(0)
            return fault(reply) if fault else reply
        if self.faults and reply.status == 200 and self.chance.random() < self.fault_rate:
            return self.chance.choice(self.faults)(reply)
        return reply

    def requests_within(self, seconds: float) -> int:
        """The most requests that came within so many seconds."""
        times = [at for at, _, _ in self.asked]
        return max(
            (sum(start <= at < start + seconds for at in times) for start in times), default=0
        )

    def least_distance(self) -> float:
        """The least seconds between two requests."""
        times = [at for at, _, _ in self.asked]
        return min((b - a for a, b in zip(times, times[1:], strict=False)), default=float("inf"))

    def waits_after(self, *statuses: int) -> list[float]:
        """The seconds until the request after each of these answers."""
        pairs = zip(self.asked, self.asked[1:], strict=False)
        return [after[0] - before[0] for before, after in pairs if before[2] in statuses]


def query_of(path: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


class CursorServer(TenderServer):
    """UK Find a Tender and Contracts Finder: links.next with a cursor, at most 100 a page, dates to the second."""

    from_param, to_param = "updatedFrom", "updatedTo"

    def _serve(self, path: str) -> Reply:
        asked = query_of(path)
        start, end = (self._moment(asked[name]) for name in (self.from_param, self.to_param))
        offset = int(base64.urlsafe_b64decode(asked["cursor"])) if "cursor" in asked else 0
        size = min(int(asked.get("limit", "100")), self.page_cap)
        found = self.board.between(start, end)
        page = found[offset : offset + size]
        if offset + size >= len(found):
            return Reply(200, package(page))
        cursor = base64.urlsafe_b64encode(str(offset + size).encode()).decode()
        query = f"{self.from_param}={asked[self.from_param]}&{self.to_param}={asked[self.to_param]}"
        link = f"{self.list_url}?{query}&limit={size}&cursor={cursor}"
        return Reply(200, package(page, links={"next": link}))

    @staticmethod
    def _moment(text: str) -> datetime:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


class ContractsFinder(CursorServer):
    """Bytes in ISO 8859-1, and 403 for whoever asks too fast."""

    path = "/Published/Notices/OCDS/Search"
    from_param, to_param = "publishedFrom", "publishedTo"

    def _serve(self, path: str) -> Reply:
        return in_latin_1(super()._serve(path))


class SouthAfrica(TenderServer):
    """Numbered pages by whole days, at most 50 each; the order shifts between requests, and pages are short at will."""

    path = "/api/OCDSReleases"

    def __init__(self, board: Board, **kwargs: Any) -> None:
        super().__init__(board, page_cap=50, **kwargs)
        self.is_unstable = True
        #: Numbers that always answer 500, as some of the real ones do, and numbers that no list shows.
        self.broken: set[int] = set()
        self.hidden: set[int] = set()

    def _serve(self, path: str) -> Reply:
        address = urlsplit(path).path
        if address.startswith(f"{self.path}/release/"):
            return self._one(address.rsplit("/", 1)[1])
        asked = query_of(path)
        if not {"dateFrom", "dateTo"} <= set(asked):
            return Reply(400, {"title": "dateFrom and dateTo are required."})
        start, end = (
            datetime.strptime(asked[n], "%Y-%m-%d").replace(tzinfo=UTC)
            for n in ("dateFrom", "dateTo")
        )
        found = self.board.between(start, end + timedelta(days=1) - timedelta(seconds=1))
        found = [each for each in found if number_of(each.release["ocid"]) not in self.hidden]
        number, size = int(asked["PageNumber"]), min(int(asked["PageSize"]), self.page_cap)
        return Reply(200, package(self._page(found, number, size)))

    def _page(self, found: list[Notice], number: int, size: int) -> list[Notice]:
        page = found[(number - 1) * size : number * size]
        if not self.is_unstable or not page:
            return page
        shifted = list(found)
        self.chance.shuffle(shifted)
        short = self.chance.randint(max(1, len(page) // 2), len(page))
        return shifted[:short]

    def _one(self, ocid: str) -> Reply:
        if number_of(ocid) in self.broken:
            return Reply(500, {})
        found = self.board.of(ocid)
        return Reply(200, package(found) if found else {})


def number_of(ocid: str) -> int:
    return int(ocid.rsplit("-", 1)[1])
