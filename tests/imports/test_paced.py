"""Rows that call a slow or paid service: few at a time, each with its own limit, none paid for twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from core import clock
from core.errors import PermanentFailure, Refused
from imports import targets
from imports.actions import (
    cancel_batch,
    pause_batch,
    resume_batch,
    retry_failed,
    set_mapping,
    start_check,
    undo_batch,
)
from imports.estimating import cost_of
from imports.models import CsvBatch, CsvRow
from imports.staging import rows_path
from imports.states import BatchStatus, Effect
from imports.targets import Field, Job, PacedTarget, Record
from jobs.testing import run_one, run_until_idle
from messaging.models import ContactList

LONGEST = 120


class Echo(PacedTarget):
    """Asks a service about each row; what it answers is decided by the test."""

    name = "echo"
    title = "Echoes"
    permission = "imports.add_csvbatch"
    match_keys = ("name",)
    fields = (Field(name="name", label="name", parse=lambda text, options: text.strip()),)
    batch_size = 2
    row_seconds = 0.2

    asked: ClassVar[list[str]] = []
    answer: ClassVar[Callable[[str], Any]] = staticmethod(str.upper)

    def call(self, record: Record, *, job: Job, key: str) -> Any:
        self.asked.append(key.rpartition(":")[2])
        return Echo.answer(record.key)

    def save(self, record: Record, answer: Any, *, job: Job) -> tuple[Effect, str]:
        if len(answer) > LONGEST:
            raise Refused("The name is too long.")
        made = ContactList.objects.create(name=answer)
        return Effect.CREATED, made.public_id


@pytest.fixture(autouse=True)
def echo(monkeypatch) -> type[Echo]:
    monkeypatch.setattr(targets, "_targets", {**targets._targets})
    monkeypatch.setattr(Echo, "asked", [])
    monkeypatch.setattr(Echo, "answer", staticmethod(str.upper))
    targets.register(Echo())
    return Echo


@pytest.fixture
def echoed(created) -> Callable[..., CsvBatch]:
    def run(text: str, **details: Any) -> CsvBatch:
        batch = created(text, target="echo", go="import", **details)
        run_until_idle(advance=True)
        return fresh(batch)

    return run


def fresh(batch: CsvBatch) -> CsvBatch:
    """The import as it stands; its counts are those of its rows."""
    batch.refresh_from_db()
    rows = Counter(batch.rows.values_list("status", flat=True))
    assert rows.total() - rows["pending"] == batch.processed
    assert (rows["succeeded"], rows["failed"]) == (batch.succeeded, batch.failed)
    return batch


def names() -> list[str]:
    return sorted(ContactList.objects.values_list("name", flat=True))


ROWS = "name\na\nb\nc\nd\ne\n"


def test_rows_are_called_for_in_their_order_and_each_once(echoed) -> None:
    batch = echoed(ROWS)

    assert (batch.status, batch.succeeded, batch.created) == (BatchStatus.COMPLETED, 5, 5)
    assert Echo.asked == ["1", "2", "3", "4", "5"]
    assert names() == ["A", "B", "C", "D", "E"]
    assert {row.attempts for row in batch.rows.all()} == {1}


def test_there_is_a_pause_after_every_few_rows_and_no_worker_is_held(created) -> None:
    batch = created(ROWS, target="echo", go="import")
    with clock.travel(to=clock.now()):
        run_until_idle()
        assert (fresh(batch).processed, Echo.asked) == (2, ["1", "2"])
        with clock.travel(by=timedelta(seconds=1.9)):
            run_until_idle()
            assert fresh(batch).processed == 2
        with clock.travel(by=timedelta(seconds=2.0)):
            run_until_idle()
            assert fresh(batch).processed == 4


def test_a_row_that_is_refused_costs_itself(echoed, monkeypatch) -> None:
    def picky(name: str) -> str:
        if name == "b":
            raise Refused("No b, please.")
        if name == "c":
            raise PermanentFailure("Never heard of c.")
        return name.upper()

    monkeypatch.setattr(Echo, "answer", staticmethod(picky))

    batch = echoed(ROWS)

    assert (batch.status, batch.succeeded, batch.failed) == ("completed", 3, 2)
    assert [(row.line, row.error_code, row.error_message) for row in batch.rows.failed()] == [
        (3, "rejected", "No b, please."),
        (4, "rejected", "Never heard of c."),
    ]
    assert names() == ["A", "D", "E"]
    monkeypatch.setattr(Echo, "answer", staticmethod(str.upper))
    child = retry_failed(batch, actor="staff:alice")
    run_until_idle(advance=True)
    assert (fresh(child).succeeded, names()) == (2, ["A", "B", "C", "D", "E"])


def test_a_row_whose_answer_cannot_be_used_costs_itself(echoed) -> None:
    """The database and the target itself refuse: a list of that name stands, and a name can be too long."""
    ContactList.objects.create(name="B")

    batch = echoed(f"name\na\nb\n{'refuse ' * 20}\nd\n")

    assert (batch.status, batch.succeeded, batch.failed) == ("completed", 2, 2)
    assert [(row.line, row.error_code) for row in batch.rows.failed().order_by("number")] == [
        (3, "not_storable"),
        (4, "rejected"),
    ]
    assert names() == ["A", "B", "D"]
    assert Echo.asked == ["1", "2", "3", "4"]


def test_what_fails_on_the_way_is_tried_again_with_its_batch(echoed, monkeypatch) -> None:
    troubles = ["a", "a", "b"]

    def shaky(name: str) -> str:
        if name in troubles:
            troubles.remove(name)
            raise ConnectionError("The line is dead.")
        return name.upper()

    monkeypatch.setattr(Echo, "answer", staticmethod(shaky))

    batch = echoed(ROWS)

    assert Echo.asked == ["1", "2", "1", "2", "1", "3", "4", "5"]
    assert (batch.succeeded, batch.failed) == (5, 0)
    attempts = batch.rows.order_by("number").values_list("attempts", "error_code")
    assert list(attempts) == [(3, ""), (2, ""), (1, ""), (1, ""), (1, "")]


def test_after_three_attempts_a_row_is_given_up_and_the_rest_goes_on(echoed, monkeypatch) -> None:
    def dead(name: str) -> str:
        if name == "a":
            raise ConnectionError("The line is dead.")
        return name

    monkeypatch.setattr(Echo, "answer", staticmethod(dead))

    batch = echoed(ROWS)

    assert Echo.asked == ["1", "2", "1", "1", "3", "4", "5"]
    [row] = batch.rows.failed()
    assert (row.line, row.attempts, row.error_code) == (2, 3, "call_failed")
    assert row.error_message == "The line is dead."


def test_a_row_that_takes_too_long_is_stopped(echoed, monkeypatch) -> None:
    def slow(name: str) -> str:
        if name == "a":
            time.sleep(60)
        return name

    monkeypatch.setattr(Echo, "answer", staticmethod(slow))
    monkeypatch.setattr(Echo, "retries", 0)

    batch = echoed("name\na\nb\n")

    [row] = batch.rows.failed()
    assert (row.error_code, row.error_message) == ("timed_out", "It took longer than 0.2 s.")
    assert names() == ["b"]


def test_an_answer_is_kept_before_it_is_used_and_not_asked_for_again(created, monkeypatch) -> None:
    save = Echo.save

    def broken(self, record, answer, *, job) -> Any:
        raise ValueError("A fault in our own code.")

    batch = created("name\na\n", target="echo", go="import")
    monkeypatch.setattr(Echo, "save", broken)
    run_until_idle()
    assert CsvRow.objects.get().answer == {"answer": "A"}

    monkeypatch.setattr(Echo, "save", save)
    run_until_idle(advance=True)

    assert (fresh(batch).succeeded, Echo.asked, names()) == (1, ["1"], ["A"])


def test_a_pause_is_heeded_before_the_next_row(created, monkeypatch) -> None:
    batch = created(ROWS, target="echo", go="import")

    def pausing(name: str) -> str:
        if name == "a":
            pause_batch(CsvBatch.objects.get(), actor="staff:alice")
        return name.upper()

    monkeypatch.setattr(Echo, "answer", staticmethod(pausing))
    run_until_idle(advance=True)
    assert (fresh(batch).status, batch.processed, Echo.asked) == ("paused", 1, ["1"])

    resume_batch(batch, actor="staff:alice")
    run_until_idle(advance=True)
    assert (fresh(batch).status, Echo.asked) == ("completed", ["1", "2", "3", "4", "5"])


def test_a_cancelled_import_calls_for_no_more_rows(created) -> None:
    batch = created(ROWS, target="echo", go="import")
    run_until_idle()

    cancel_batch(batch, actor="staff:alice")
    run_until_idle(advance=True)

    assert (fresh(batch).status, batch.processed, batch.pending) == ("cancelled", 2, 3)
    assert Echo.asked == ["1", "2"]
    assert run_one() is None


def test_rows_that_need_no_call_make_none(echoed) -> None:
    batch = echoed("name,x\na,1\nA bad row\n,2\na,3\nb,4\n")

    assert (batch.succeeded, batch.failed, batch.skipped) == (2, 2, 1)
    assert names() == ["A", "B"]
    assert len(Echo.asked) == 2


def test_what_a_service_did_cannot_be_taken_back(echoed) -> None:
    with pytest.raises(Refused, match="cannot be taken back"):
        undo_batch(echoed("name\na\n"), actor="staff:alice")


def test_rows_that_call_a_service_cannot_be_checked(created) -> None:
    with pytest.raises(Refused, match="each calls a service"):
        created("name\na\n", target="echo", go="check")

    batch = created("name\na\n", target="echo")
    run_until_idle()
    set_mapping(fresh(batch), [{"field": "name"}], actor="staff:alice")
    with pytest.raises(Refused, match="each calls a service"):
        start_check(batch, actor="staff:alice")
    assert (fresh(batch).status, Echo.asked) == (BatchStatus.MAPPING, [])


def test_rows_that_cost_nothing_are_not_read_for_what_they_cost(created) -> None:
    batch = created("name\na\n", target="echo", columns=[{"field": "name"}])
    run_until_idle()
    rows_path(batch).unlink()

    assert cost_of(fresh(batch)) == ""
