"""Absurd: a worker process, and who starts its tasks. Run by the Python of its own virtual environment.

Settings, by its documentation: workers poll every 10 ms instead of every 250 (its starts would else take an eighth of a
second), claim up to ten tasks at a time (its default is one, and a claim is its dearest statement) and work at them one
after another on one persistent connection, as its SDK does. A task may not wait for tasks of its own queue, so parents
have a queue, and a thread of each worker, of their own; that looks every 100 ms. The schema is what absurdctl of
the same version installs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
from absurd_sdk import Absurd, TaskContext

from bench.engine.scenarios import serve_or_ask

POLL_SECONDS = 0.01
PARENT_POLL_SECONDS = 0.1
BATCH = 10
MAIN, PARENTS = "main", "parents"


def register(app: Absurd) -> None:
    @app.register_task(name="steps")
    def steps(params: Any, ctx: TaskContext) -> float:
        began = time.time()
        for number in range(params["count"]):
            ctx.step(f"step {number}", lambda number=number: number)
        return time.time() - began

    @app.register_task(name="three")
    def three(params: Any, ctx: TaskContext) -> int:
        number = params["number"]
        return sum(ctx.step(name, lambda: number) for name in ("first", "second", "third"))

    @app.register_task(name="begin")
    def begin(params: Any, ctx: TaskContext) -> float:
        return ctx.step("now", time.time) - params["asked"]

    @app.register_task(name="sleep")
    def sleep(params: Any, ctx: TaskContext) -> float:
        wake_at = ctx.step("before", time.time) + params["seconds"]
        ctx.sleep_until("pause", wake_at)
        return ctx.step("after", time.time) - wake_at

    @app.register_task(name="child")
    def child(params: Any, ctx: TaskContext) -> int:
        return ctx.step("only", lambda: params["number"])


def register_parents(app: Absurd, main: Absurd) -> None:
    @app.register_task(name="parent")
    def parent(params: Any, ctx: TaskContext) -> int:
        def spawn(number: int) -> str:
            return main.spawn("child", {"number": number}, queue=MAIN)["task_id"].hex

        children = ctx.step("spawn", lambda: [spawn(number) for number in range(params["count"])])
        return sum(ctx.await_task_result(id, queue_name=MAIN).result for id in children)


def prepare(url: str) -> None:
    absurdctl = Path(sys.executable).with_name("absurdctl")
    subprocess.run([absurdctl, "init", "-d", url], check=True, stdout=subprocess.DEVNULL)
    app = Absurd(url)
    for queue in (MAIN, PARENTS):
        app.create_queue(queue)


def serve(url: str) -> None:
    def work(app: Absurd, **settings: Any) -> None:
        threading.Thread(target=lambda: app.start_worker(**settings), daemon=True).start()

    main, parents = Absurd(url, queue_name=MAIN), Absurd(url, queue_name=PARENTS)
    register(main)
    register_parents(parents, Absurd(url, queue_name=MAIN))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    work(main, batch_size=BATCH, poll_interval=POLL_SECONDS)
    work(parents, poll_interval=PARENT_POLL_SECONDS)
    signal.sigwait([signal.SIGTERM])
    os._exit(0)


ENDED = """
    SELECT run.completed_at FROM absurd.t_{queue} task JOIN absurd.r_{queue} run USING (task_id)
    WHERE run.state = 'completed' AND task.task_name = %(workflow)s
"""


class AbsurdClient:
    ended = (
        "SELECT count(*), extract(epoch from max(completed_at)) FROM"
        f" ({ENDED.format(queue=MAIN)} UNION ALL {ENDED.format(queue=PARENTS)}) ended"
    )

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = psycopg.connect(url, autocommit=True)
        self._app = Absurd(self._connection, queue_name=MAIN)

    def start(self, workflow: str, **input: Any) -> None:
        self._app.spawn(workflow, input, queue=PARENTS if workflow == "parent" else MAIN)

    def at_once(self) -> AbstractContextManager[Any]:
        return self._connection.transaction()

    def outputs(self, workflow: str) -> list[Any]:
        rows = self._connection.execute(
            "SELECT completed_payload FROM absurd.t_main WHERE task_name = %s AND state = 'completed'"
            " ORDER BY task_id",
            [workflow],
        )
        return [row[0] for row in rows]


if __name__ == "__main__":
    serve_or_ask(prepare=prepare, serve=serve, client=AbsurdClient)
