"""Our side of the comparison: the same workflows as bench/engine/peers/ has them for the others."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from django.db import connection

from jobs.context import RunContext
from jobs.registry import workflow


def same(number: int) -> int:
    return number


def effect(number: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_effect (number) VALUES (%s)", [number])
    return number


@workflow("bench.steps")
def steps(run: RunContext, *, count: int) -> float:
    began = time.time()
    for number in range(count):
        run.step(f"step {number}", same, number)
    return time.time() - began


@workflow("bench.transactions")
def transactions(run: RunContext, *, count: int) -> float:
    began = time.time()
    for number in range(count):
        run.transaction(f"step {number}", effect, number)
    return time.time() - began


@workflow("bench.three")
def three(run: RunContext, *, number: int) -> int:
    return sum(run.step(name, same, number) for name in ("first", "second", "third"))


@workflow("bench.begin")
def begin(run: RunContext, *, asked: float) -> float:
    at: float = run.step("now", time.time)
    return at - asked


@workflow("bench.sleep")
def sleep(run: RunContext, *, seconds: float) -> float:
    wake_at: float = run.step("before", time.time) + seconds
    run.sleep_until("pause", datetime.fromtimestamp(wake_at, UTC))
    woken: float = run.step("after", time.time)
    return woken - wake_at


@workflow("bench.child")
def child(run: RunContext, *, number: int) -> int:
    answer: int = run.step("only", same, number)
    return answer


@workflow("bench.parent")
def parent(run: RunContext, *, count: int) -> int:
    return sum(run.map("children", "bench.child", [{"number": n} for n in range(count)]))
