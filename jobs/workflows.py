"""The engine's own durable work."""

from __future__ import annotations

from jobs import retention
from jobs.context import RunContext
from jobs.events import forgetting
from jobs.registry import workflow


@workflow("hello_world")
def hello_world(run: RunContext, *, name: str = "world", seconds: float = 1) -> str:
    """Say hello, after a sleep that holds no worker: the smallest workflow that shows what one is."""
    greeting = run.step("compose", lambda: f"Hello, {name}!")
    run.sleep("take a breath", seconds)
    return greeting


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
