"""Lets the process that asks about a client die once, where the client's name says: `dies after the money`.

Installed where the environment says STAGE_DEATHS. The points are every boundary of the four steps of
`enrichment.enhance_client`, and every moment inside the paid one.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import wraps
from typing import Any

POINTS = [
    "before the money",
    "after the money",
    "before the mark",
    "before the call",
    "after the answer",
    "after the keeping",
    "after call openai",
    "after process",
    "during update client",
    "after update client",
    "during upsert competitors",
    "after upsert competitors",
]


def install() -> None:
    """Put a death before or after each thing that a run of `enrichment.enhance_client` does."""
    from enrichment import applying, ledger
    from enrichment.providers.openai import OpenAi
    from jobs.context import RunContext

    wrap(ledger, "open_call", "the money", name_of_call)
    wrap(ledger, "mark_sent", "the mark", name_of_call)
    wrap(ledger, "receive", "the keeping", name_of_call)
    wrap(OpenAi, "complete", "the call", lambda _self, request: request["messages"][1]["content"])
    wrap(OpenAi, "complete", "the answer", lambda _self, request: request["messages"][1]["content"])
    for action, step in (
        ("update_client", "update client"),
        ("upsert_competitors", "upsert competitors"),
    ):
        wrap(applying, action, step, lambda answered, *_a: answered.client.name, after="during")
    keep = RunContext._keep

    def keep_and_die(context: RunContext, done: Any, wish: Any) -> Any:
        die_if(f"after {done.key}", name_of_run(context))
        return keep(context, done, wish)

    setattr(RunContext, "_keep", keep_and_die)  # noqa: B010


def wrap(
    owner: Any, function: str, what: str, name: Callable[..., str], *, after: str = "after"
) -> None:
    inner = getattr(owner, function)

    @wraps(inner)
    def deadly(*args: Any, **kwargs: Any) -> Any:
        die_if(f"before {what}", name(*args, **kwargs))
        answer = inner(*args, **kwargs)
        die_if(f"{after} {what}", name(*args, **kwargs))
        return answer

    setattr(owner, function, deadly)


def name_of_call(call: Any, *_args: Any, **_kwargs: Any) -> str:
    return call.client.name if call.client else ""


def name_of_run(context: Any) -> str:
    from enrichment.models import Client

    client = context._run.input.get("client")
    return Client.from_public_id(client).name if client else ""


def die_if(point: str, name: str) -> None:
    """Kill this process the first time a client comes by the point that its name says."""
    from tests.stage.workflows import ledger

    if f"dies {point}" not in name:
        return
    mark = ledger().with_suffix(f".{point.replace(' ', '-')}")
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
