"""DBOS Transact: a worker process, and who starts its workflows. Run by the Python of its own virtual environment.

Settings, by its documentation: queues are polled every 10 ms instead of every second (its starts would else take half a
second), a worker works at 8 workflows of the main queue at a time (it is one process, and more threads only wait for
the interpreter), connections are pooled, LISTEN/NOTIFY is on, the log is quiet, and transactions run at READ COMMITTED,
as ours do, instead of SERIALIZABLE. A sleeping workflow holds a thread, so sleepers have a queue without a limit and a
pool of 300 threads; parents stand in that queue, too, apart from their children.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, SQLAlchemyDatasource

from bench.engine.scenarios import serve_or_ask

POLL_SECONDS = 0.01
CONCURRENCY = 8
THREADS = 300
QUEUES = {"three": "main", "begin": "main", "child": "main"}
OTHERS = "others"


def address(url: str) -> str:
    return url.replace("postgres://", "postgresql+psycopg://")


def set_up(url: str) -> SQLAlchemyDatasource:
    DBOS(
        config={
            "name": "bench",
            "system_database_url": address(url),
            "log_level": "ERROR",
            "max_executor_threads": THREADS,
        }
    )
    return SQLAlchemyDatasource.create(address(url))


def register(source: SQLAlchemyDatasource) -> None:
    @DBOS.step()
    def step(number: int) -> int:
        return number

    @DBOS.step()
    def now() -> float:
        return time.time()

    insert = sa.text("INSERT INTO bench_effect (number) VALUES (:number)")

    @source.transaction(isolation_level="READ COMMITTED")
    def effect(number: int) -> int:
        source.sql_session().execute(insert, {"number": number})
        return number

    @DBOS.workflow(name="steps")
    def steps(count: int) -> float:
        began = time.time()
        for number in range(count):
            step(number)
        return time.time() - began

    @DBOS.workflow(name="transactions")
    def transactions(count: int) -> float:
        began = time.time()
        for number in range(count):
            effect(number)
        return time.time() - began

    @DBOS.workflow(name="three")
    def three(number: int) -> int:
        return step(number) + step(number) + step(number)

    @DBOS.workflow(name="begin")
    def begin(asked: float) -> float:
        return now() - asked

    @DBOS.workflow(name="sleep")
    def sleep(seconds: float) -> float:
        wake_at = now() + seconds
        DBOS.sleep(wake_at - time.time())
        return now() - wake_at

    @DBOS.workflow(name="child")
    def child(number: int) -> int:
        return step(number)

    @DBOS.workflow(name="parent")
    def parent(count: int) -> int:
        children = [DBOS.enqueue_workflow("main", child, number) for number in range(count)]
        return sum(handle.get_result() for handle in children)


def prepare(url: str) -> None:
    set_up(url)
    DBOS.launch()
    DBOS.register_queue("main", worker_concurrency=CONCURRENCY, polling_interval_sec=POLL_SECONDS)
    DBOS.register_queue(OTHERS, polling_interval_sec=POLL_SECONDS)
    DBOS.destroy()


def serve(url: str) -> None:
    register(set_up(url))
    DBOS.launch()
    signal.sigwait([signal.SIGTERM])
    os._exit(0)


class Dbos:
    ended = (
        "SELECT count(*), max(completed_at) / 1000.0 FROM dbos.workflow_status"
        " WHERE status = 'SUCCESS' AND name = %(workflow)s"
    )

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = DBOSClient(system_database_url=address(url))
        self._engine = sa.create_engine(address(url))
        self._transaction: sa.Connection | None = None

    def start(self, workflow: str, **input: Any) -> None:
        queue = QUEUES.get(workflow, OTHERS)
        options: Any = {"workflow_name": workflow, "queue_name": queue}
        if self._transaction is None:
            self._client.enqueue(options, **input)
        else:
            self._client.enqueue_in_transaction(self._transaction, options, **input)

    def at_once(self) -> AbstractContextManager[Any]:
        @contextmanager
        def transaction() -> Any:
            with self._engine.begin() as self._transaction:
                yield
            self._transaction = None

        return transaction()

    def outputs(self, workflow: str) -> list[Any]:
        found = self._client.list_workflows(name=workflow, status="SUCCESS", load_output=True)
        return [status.output for status in found]


if __name__ == "__main__":
    serve_or_ask(prepare=prepare, serve=serve, client=Dbos)
