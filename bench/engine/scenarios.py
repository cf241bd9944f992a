"""What is asked of every engine alike, in the words of all of them. Runs in each engine's own virtual environment.

A scenario is one function of a client and a count, and answers with figures; only what an engine is asked differs
(start a run, what did the runs answer), not what is measured, nor on which clock. All clocks are this machine's.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

import psycopg

PATIENCE_SECONDS = 180.0
LOOK_SECONDS = 0.2
#: Between two starts, so that each meets an idle worker.
APART_SECONDS = 0.02
SLEEP_SECONDS = 2.0
#: A hundred a second go to sleep, and as many wake up.
BETWEEN_SLEEPERS_SECONDS = 0.01

Figures = dict[str, Any]


class Client(Protocol):
    """One engine, seen by who starts its runs."""

    url: str
    #: How many runs of a workflow (%s) completed, and when the last one did, in seconds since 1970.
    ended: str

    def start(self, workflow: str, **input: Any) -> None:
        """Start a run of `steps`, `transactions`, `three`, `begin`, `sleep` or `parent`."""

    def at_once(self) -> AbstractContextManager[Any]:
        """Make all starts within a block visible to the workers in one moment: one transaction."""

    def outputs(self, workflow: str) -> list[Any]:
        """Return what the completed runs of a workflow returned."""


class Watch:
    """Looks, on a connection of its own, how many runs of a workflow have ended since it was made."""

    def __init__(self, client: Client, workflow: str) -> None:
        self._sql, self._workflow = client.ended, workflow
        self._connection = psycopg.connect(client.url, autocommit=True)
        self._before, _ = self._look()

    def _look(self) -> tuple[int, float]:
        row = self._connection.execute(self._sql, {"workflow": self._workflow}).fetchone()
        assert row is not None
        return int(row[0]), float(row[1] or 0)

    def wait(self, count: int) -> float:
        """Wait for so many runs to complete; return when the last one did."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            done, last = self._look()
            if done - self._before >= count:
                return last
            time.sleep(LOOK_SECONDS)
        raise SystemExit(f"{done - self._before} of {count} runs of {self._workflow} completed")


def one_run(workflow: str) -> Callable[[Client, int], Figures]:
    """One run of so many steps; it takes the time itself, from before its first to after its last."""

    def measure(client: Client, count: int) -> Figures:
        watch = Watch(client, workflow)
        client.start(workflow, count=count)
        watch.wait(1)
        return {"seconds": client.outputs(workflow)[-1]}

    return measure


def runs(client: Client, count: int) -> Figures:
    """So many runs of three steps, from the moment that makes all of them visible to the end of the last."""
    watch = Watch(client, "three")
    asked = time.time()
    with client.at_once():
        for number in range(count):
            client.start("three", number=number)
    enqueued = time.time()
    return {"seconds": watch.wait(count) - enqueued, "enqueueing": enqueued - asked}


def fan_out(client: Client, count: int) -> Figures:
    """A run starts so many children, and ends when it has all their answers."""
    watch = Watch(client, "parent")
    started = time.time()
    client.start("parent", count=count)
    return {"seconds": watch.wait(1) - started}


def starts(client: Client, count: int) -> Figures:
    """From the call that starts a run to the first line of its first step, on idle workers."""
    watch = Watch(client, "begin")
    for _ in range(count):
        client.start("begin", asked=time.time())
        time.sleep(APART_SECONDS)
    watch.wait(count)
    return {"late": client.outputs("begin")[-count:]}


def sleeps(client: Client, count: int) -> Figures:
    """How long after its time each sleeper's next step begins."""
    watch = Watch(client, "sleep")
    for _ in range(count):
        client.start("sleep", seconds=SLEEP_SECONDS)
        time.sleep(BETWEEN_SLEEPERS_SECONDS)
    watch.wait(count)
    return {"late": client.outputs("sleep")[-count:]}


SCENARIOS: dict[str, Callable[[Client, int], Figures]] = {
    "steps": one_run("steps"),
    "transactions": one_run("transactions"),
    "runs": runs,
    "fan_out": fan_out,
    "starts": starts,
    "sleeps": sleeps,
}


def nothing(url: str) -> None:
    """What an engine does whose database and workers are made by the product's own commands."""


def serve_or_ask(
    *,
    client: Callable[[str], Client],
    prepare: Callable[[str], None] = nothing,
    serve: Callable[[str], None] = nothing,
) -> None:
    """The command line of an engine's program: `prepare URL`, `serve URL`, or `ask URL SCENARIO COUNT`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("verb", choices=["prepare", "serve", "ask"])
    parser.add_argument("url")
    parser.add_argument("scenario", nargs="?", choices=sorted(SCENARIOS))
    parser.add_argument("count", nargs="?", type=int)
    given = parser.parse_args()
    if given.verb == "prepare":
        prepare(given.url)
    elif given.verb == "serve":
        serve(given.url)
    else:
        print(json.dumps(SCENARIOS[given.scenario](client(given.url), given.count)))
