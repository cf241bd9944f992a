"""Real releases multiplied, and a server of them: `python -m bench.tender_board COUNT` prints its address.

The releases are those of ../shared/data/ocds, each under an ocid of its own; a third of the processes have a second.
Every page is written before the first is asked for, so that serving costs next to nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.fakes.serving import LoopbackServer, Reply

DATA = Path(__file__).resolve().parents[2] / "shared/data/ocds"
FILES = (
    "uk-contracts-finder-2025/releases_2025.json",
    "sell2wales_2025/releases_2025.json",
    "kingfisher-process/portugal_base_release_packages_array.json",
)
#: Less than is asked for, and the last page less than that: a full one that names no next is not believed.
PAGE = 96


def real_releases() -> list[dict[str, Any]]:
    """Return the releases of the files."""
    found: list[dict[str, Any]] = []
    for name in FILES:
        data = json.loads((DATA / name).read_text())
        for package in data if isinstance(data, list) else [data]:
            found += package["releases"]
    return found


def multiplied(count: int) -> Iterator[dict[str, Any]]:
    """Yield so many releases: three processes of four have one, the fourth of each has a second, amended one."""
    real = real_releases()
    for number in range(count):
        process = number if number % 4 < 3 else number - 3
        base = real[process % len(real)]
        is_second = number % 4 == 3
        tender = base.get("tender", {})
        if is_second:
            tender = {**tender, "title": f"{tender.get('title', '')} (amended)"}
        yield {
            **base,
            "ocid": f"ocds-bench0-{process:07d}",
            "id": f"{number:07d}",
            "date": f"2025-03-{2 if is_second else 1:02d}T{number % 24:02d}:00:00Z",
            "tender": tender,
        }


class BoardServer(LoopbackServer):
    """Pages with links.next, whatever span is asked for."""

    def __init__(self, count: int) -> None:
        super().__init__()
        releases = list(multiplied(count))
        self.pages = [self.page(releases, at) for at in range(0, len(releases), PAGE)]

    def page(self, releases: list[dict[str, Any]], at: int) -> bytes:
        package: dict[str, Any] = {"version": "1.1", "releases": releases[at : at + PAGE]}
        if at + PAGE < len(releases):
            package["links"] = {"next": f"{self.url}/releases?page={at // PAGE + 1}"}
        return json.dumps(package).encode()

    def answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        page = int(parse_qs(urlsplit(path).query).get("page", ["0"])[0])
        return Reply(200, {}, raw=self.pages[page])


if __name__ == "__main__":
    with BoardServer(int(sys.argv[1])) as server:
        print(server.url, flush=True)
        while True:
            time.sleep(60)
