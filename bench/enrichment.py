"""`make bench-enrichment`: AI is asked about 1,000 clients by four workers, three at a time, fairly.

1. One client has twenty questions of its own waiting, started first. 2. A thousand others are asked about in bulk.
3. Meanwhile a person presses a client's button. 4. The model takes 50 ms. It must never see more than three requests at
once, no client twice at once, each question once; the crowd must not wait for the twenty, nor the person for the crowd.

Exits with 1 when a bar is missed, and ends with one line of figures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.bars import Bar, at_most, judge, say
from bench.theatre import fresh_theatre
from tests.crash.theatre import Theatre
from tests.fakes.openai_account import Paid
from tests.fakes.openai_server import OpenAiServer

CLIENTS = 1_000
OF_ONE = 20
WORKERS = 4
AT_ONCE = 3
SLOW_SECONDS = 0.05
GREEDY, PRESSED, CROWD = "Greedy", "Pressed", "Client"
SECONDS = 900.0
#: So many others may be asked about between a person's press and the answer.
PATIENCE = 30


def measure(theatre: Theatre, server: OpenAiServer, *, clients: int) -> tuple[float, float]:
    """Return the seconds from the first start of a worker to the last answer, and those a person waited."""
    theatre.manage("stage_clients", "--greedy", str(OF_ONE), "--count", str(clients))
    start = time.monotonic()
    waited = 0.0
    with theatre.worker(workers=WORKERS):
        theatre.wait_for(lambda: len(server.paid) > clients // 4, seconds=SECONDS, what="a quarter")
        pressed = time.monotonic()
        theatre.manage("stage_clients", PRESSED)
        said = time.monotonic()
        theatre.wait_for(lambda: is_asked(server, PRESSED), seconds=SECONDS, what="the press")
        waited = time.monotonic() - said
        say(f"  the command took {said - pressed:.1f} s, the person waited {waited:.1f} s more")
        theatre.wait_for(
            lambda: len(server.paid) >= clients + OF_ONE + 1, seconds=SECONDS, what="all answers"
        )
        seconds = time.monotonic() - start
        theatre.wait_for(lambda: unfinished(theatre) == 0, seconds=60, what="all runs over")
    return seconds, waited


def is_asked(server: OpenAiServer, name: str) -> bool:
    return any(entry.data["name"] == name for entry in server.paid)


def unfinished(theatre: Theatre) -> int:
    sql = (
        "SELECT count(*) FROM jobs_run WHERE workflow LIKE 'enrichment.enhance%'"
        " AND status <> 'completed'"
    )
    return int(theatre.rows(sql)[0][0])


def bars(server: OpenAiServer, *, clients: int, waited: float) -> list[Bar]:
    names = Counter(entry.data["name"] for entry in server.paid)
    crowd = {name: count for name, count in names.items() if name.startswith(CROWD)}
    most = server.account.most_in_flight
    return [
        Bar(f"{most} requests at once, not {AT_ONCE}", most == AT_ONCE),
        Bar("each of the crowd once", Counter(crowd.values()) == {1: clients}),
        Bar(f"{names[GREEDY]} of {OF_ONE} questions of one client", names[GREEDY] == OF_ONE),
        Bar("one client never twice at once", not server.account.most_of_one > 1),
        Bar("the crowd is served while one client waits", crowd_in_between(server.paid) >= OF_ONE),
        at_most(waited, PATIENCE, f"{waited:.1f} s until a person's client was asked about"),
    ]


def crowd_in_between(paid: list[Paid]) -> int:
    """Return how many of the crowd were asked about between the first and the last question of the greedy one."""
    places = [place for place, entry in enumerate(paid) if entry.data["name"] == GREEDY]
    return places[-1] - places[0] + 1 - len(places)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--vendor", choices=["postgresql", "sqlite"], default="postgresql")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_theatre(Path(folder), options.vendor) as theatre,
        OpenAiServer() as server,
    ):
        server.misbehave(slow_seconds=SLOW_SECONDS)
        theatre.environment |= {
            "OPENAI_API_KEY": server.account.api_key,
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_MODEL": "gpt-test",
        }
        seconds, waited = measure(theatre, server, clients=options.clients)
        rate = len(server.paid) / seconds
        most = AT_ONCE / SLOW_SECONDS
        line = (
            f"{len(server.paid):,} answers in {seconds:.1f} s, {rate:.1f} a second of {most:.0f} that three calls of"
            f" {SLOW_SECONDS * 1000:.0f} ms allow; {server.account.most_in_flight} at once;"
            f" a person waited {waited:.1f} s"
        )
        return judge(bars(server, clients=options.clients, waited=waited), line=line)


if __name__ == "__main__":
    sys.exit(main())
