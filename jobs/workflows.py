"""The engine's own durable work."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from jobs import acting, cleaning, retention
from jobs.acting import Verb
from jobs.context import RunContext
from jobs.events import forgetting
from jobs.registry import workflow
from jobs.triggers import Trigger


@workflow("hello_world")
def hello_world(run: RunContext, *, name: str = "world", seconds: float = 1) -> str:
    """Say hello, after a sleep that holds no worker: the smallest workflow that shows what one is."""
    greeting = run.step("compose", lambda: f"Hello, {name}!")
    run.sleep("take a breath", seconds)
    return greeting


@workflow(acting.WORKFLOW)
def act_on_many(run: RunContext, *, verb: Verb, runs: list[UUID]) -> dict[str, int]:
    """Do the same to many runs, as somebody chose them in the admin; return to how many, and how many were left."""
    total: Counter[str] = Counter(done=0, left=0)
    for first in range(0, len(runs), acting.CHUNK):
        chunk = runs[first : first + acting.CHUNK]
        total.update(run.transaction(verb, acting.act_on, verb, chunk, actor=run.actor))
        run.progress(total.total(), len(runs), f"{total['left']:,} left as they are")
    return dict(total)


@workflow(
    "jobs.clean_up",
    cron="47 2 * * *",
    triggers=[Trigger("system/cleanup-jobs.requested", input=lambda _event: {})],
)
def clean_up(run: RunContext) -> dict[str, int]:
    """Clean up stuck runs, by lost leases and not by age: daily, and by event; what there was to do is its output."""
    done: dict[str, int] = run.step("clean up", cleaning.clean_up)
    return done


@workflow("jobs.forget_old", cron="17 3 * * *")
def forget_old(run: RunContext) -> int:
    """Delete old cron runs and events, chunk by chunk, and rows of processes long gone; return how many runs."""
    retention.forget_processes()
    forgetting.forget_waits()
    while run.transaction("forget events", forgetting.forget_events):
        pass
    total = 0
    while forgotten := run.transaction("forget runs", retention.forget_cron_runs):
        total += forgotten
    return total
