"""Workflows that kill their own process, once, at a chosen point."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

from jobs.context import RunContext
from jobs.flow import Batch, Concurrency, Singleton
from jobs.models import Bucket
from jobs.registry import workflow
from jobs.retrying import NO_RETRY
from jobs.triggers import CancelOn, Trigger
from tests.stage.models import Effect


def ledger() -> Path:
    return Path(os.environ["STAGE_LEDGER"])


def write_down(line: str) -> None:
    """Leave an outside effect: one line, appended whole."""
    with ledger().open("a") as file:
        file.write(line + "\n")


def die_once(point: str, *, at: str) -> None:
    """Kill this process the first time the chosen point is reached."""
    if point != at:
        return
    mark = ledger().with_suffix(f".{point.replace(' ', '-')}")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


@workflow("stage.three_steps")
def three_steps(run: RunContext, *, point: str) -> str:
    def outside(step: str) -> str:
        write_down(f"{point}|{step}|{run.idempotency_key}")
        die_once(f"mid {step}", at=point)
        return step

    def inside() -> str:
        Effect.objects.create(run=run.id, step="database", point=point)
        die_once("mid database", at=point)
        return "database"

    die_once("before first", at=point)
    run.step("first", outside, "first")
    die_once("after first", at=point)
    run.transaction("database", inside)
    die_once("after database", at=point)
    run.step("last", outside, "last")
    die_once("after last", at=point)
    return point


@workflow("stage.note")
def note(run: RunContext, *, word: str) -> str:
    run.step("note", write_down, word)
    return word


@workflow("stage.poison")
def poison(run: RunContext) -> None:
    write_down("poison")
    os.kill(os.getpid(), signal.SIGKILL)


@workflow("stage.long")
def long(run: RunContext, *, seconds: float) -> str:
    """Busy without progress, as a slow provider is."""
    write_down("long")
    time.sleep(seconds)
    return "done"


@workflow("stage.limited", concurrency=(Concurrency(3), Concurrency(1, key="key")))
def limited(run: RunContext, *, key: str) -> None:
    """Write down when it goes in and out: between the two it is one of so many."""

    def work() -> None:
        write_down(f"in {key}")
        time.sleep(0.1)
        write_down(f"out {key}")

    run.step("work", work)


@workflow("stage.single", singleton=Singleton(key="key"))
def single(run: RunContext, *, key: str) -> None:
    """May be there once for each key."""


@workflow("stage.family")
def family(run: RunContext, *, count: int, parallel: int | None = None) -> int:
    inputs = [{"n": n} for n in range(count)]
    return sum(run.map("children", "stage.child", inputs, parallel=parallel))


@workflow("stage.child")
def child(run: RunContext, *, n: int) -> int:
    def inside() -> int:
        Effect.objects.create(run=run.id, step="child", point=str(n))
        return n

    run.step("begin", time.sleep, 0.03)
    return run.transaction("note", inside)


@workflow("stage.stubborn", retry=NO_RETRY)
def stubborn(run: RunContext) -> None:
    """A step that no error stops."""

    def never_gives_way() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                time.sleep(0.1)
            except Exception:  # noqa: BLE001, S112 - what some library does
                continue

    run.step("hang", never_gives_way, timeout=0.5)


@workflow("stage.waits")
def waits(run: RunContext, *, n: int) -> str:
    event = run.wait_for("event", "stage.event", match={"n": n})
    assert event is not None
    return event.id


@workflow("stage.stands_by", cancel_on=[CancelOn("stage.event", {"n": "n"})])
def stands_by(run: RunContext, *, n: int) -> None:
    run.sleep("long", 3600)


@workflow("stage.triggered", triggers=[Trigger("stage.trigger")])
def triggered(run: RunContext, *, word: str) -> str:
    return word


@workflow("stage.minds_a_moment")
def minds_a_moment(run: RunContext, *, n: int) -> None:
    """Sleep until a moment that others may move."""
    moment = Bucket.objects.get(key=f"moment:{n}").arrival
    run.sleep_until("until then", datetime.fromtimestamp(moment, UTC))


@workflow("stage.gathers", triggers=[Trigger("stage.gathered")], batch=Batch(3, 0.01))
def gathers(run: RunContext) -> list[int]:
    return [event.data["n"] for event in run.events]
