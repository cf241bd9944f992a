"""The engine under whatever can happen to it: claims, crashes, zombies, clock jumps, retries, cancels, pauses, events.

Hypothesis writes the history; after every line of it the promises of the engine must hold, and at its end nothing may
have been lost: whatever was started comes to an end.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core import clock
from core.errors import PermanentFailure
from core.ids import uuid7
from jobs import deadlines, reaper, slots, timers
from jobs.actions import cancel_run, pause_run, replay_run, resume_run, retry_run, start_run
from jobs.events import dispatching
from jobs.events.sending import send_event
from jobs.flow import Concurrency
from jobs.interrupts import LeaseLost
from jobs.leases import Lease, begin, claim, renew
from jobs.models import Bucket, Event, Join, Run, Step
from jobs.registry import workflow
from jobs.retrying import Retry
from jobs.states import HELD, OVER, RunStatus, StepStatus
from jobs.testing import Crash, run_one

pytestmark = pytest.mark.django_db

LETTERS = "abc"
#: The same short histories in every run of the suite; set it, and as many others are tried.
EXAMPLES = int(os.environ.get("MACHINE_EXAMPLES", "10"))


class Fate:
    """What the outside world does next: it answers, fails, or takes the process with it."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.troubles: list[str] = []

    def meet(self, key: str) -> str:
        self.calls[key] += 1
        trouble = self.troubles.pop() if self.troubles else ""
        if trouble == "crash":
            self.crashes[key] += 1
            raise Crash
        if trouble in ("fail", "fail for good"):
            self.failures[key] += 1
            raise PermanentFailure(key) if trouble == "fail for good" else ValueError(key)
        return key


fate = Fate()


def note(run: Any) -> None:
    """The effect of a database step: its key can be written once, and a trouble after it takes it back."""
    Bucket.objects.create(key=run.idempotency_key)
    fate.meet(f"db {run.idempotency_key}")


def act(run: Any, plan: str) -> str:
    """Perform a plan: `s` an outside step, `d` a database step, `z` a sleep, `w` a wait, `m` two children."""
    for place, letter in enumerate(plan):
        name = f"{letter}{place}"
        if letter == "s":
            run.step(name, lambda: fate.meet(run.idempotency_key))
        elif letter == "d":
            run.transaction(name, note, run)
        elif letter == "z":
            run.sleep(name, 600)
        elif letter == "w":
            run.wait_for(name, "machine.word", timeout=3600)
        elif letter == "m":
            run.map(name, "machine.child", [{"plan": "s"}, {"plan": "d"}], failures="keep")
    return plan


@workflow("machine.parent", retry=Retry((60, 60)), concurrency=(Concurrency(2, key="key"),))
def parent(run: Any, *, plan: str, key: str) -> str:
    return act(run, plan)


@workflow("machine.child", retry=Retry((60,)), concurrency=2)
def child(run: Any, *, plan: str) -> str:
    return act(run, plan)


class Engine(RuleBasedStateMachine):
    @initialize()
    def begin_afresh(self) -> None:
        for model in (Step, Join, Event, Bucket):
            model.objects.all().delete()
        Run.objects.all().delete()
        fate.__init__()  # type: ignore[misc]
        self.journey = ExitStack()
        self.outputs: dict[tuple[Any, str], Any] = {}
        self.over: dict[Any, str] = {}
        self.zombies: list[Lease] = []

    def teardown(self) -> None:
        if hasattr(self, "journey"):
            try:
                self.see_everything_end()
            finally:
                self.journey.close()

    # --- what can happen -------------------------------------------------------------------------------------------

    @rule(plan=st.text("sdzwm", min_size=1, max_size=4), key=st.sampled_from(LETTERS))
    def start(self, plan: str, key: str) -> None:
        start_run("machine.parent", input={"plan": plan, "key": key})

    @rule(troubles=st.lists(st.sampled_from(["", "crash", "fail", "fail for good"]), max_size=2))
    def drive(self, troubles: list[str]) -> None:
        fate.troubles = list(troubles)
        self.drive_one()
        fate.troubles = []

    @rule()
    def a_worker_freezes_and_comes_back(self) -> None:
        """It claims and begins; the reaper takes its run; whatever the zombie does then changes nothing."""
        lease = claim("main", worker_id=uuid7())
        if lease is None:
            return
        begin(lease.run_id, epoch=lease.epoch, worker_id=lease.worker_id)
        reaper.give_back(lease.run_id, epoch=lease.epoch)
        self.zombies.append(lease)

    @precondition(lambda self: getattr(self, "zombies", None))
    @rule()
    def a_zombie_tries_to_write(self) -> None:
        with pytest.raises(LeaseLost):
            renew(self.zombies.pop())

    @rule(seconds=st.sampled_from([30, 61, 601, 3601]))
    def time_passes(self, seconds: int) -> None:
        self.journey.enter_context(clock.travel(by=timedelta(seconds=seconds)))
        timers.promote_due()
        deadlines.enforce()

    @rule()
    def an_event_comes(self) -> None:
        send_event("machine.word", {"n": Event.objects.count()})
        dispatching.dispatch_new()

    @rule(data=st.data())
    def somebody_acts(self, data: st.DataObject) -> None:
        runs = list(Run.objects.order_by("id"))
        if not runs:
            return
        run = data.draw(st.sampled_from(runs))
        if run.status == RunStatus.FAILED and not run.parent_id:
            self.over.pop(run.pk, None)
            for retried in Run.objects.filter(parent=run):
                self.over.pop(retried.pk, None)
            retry_run(run, actor="system")
        elif run.status == RunStatus.PAUSED:
            resume_run(run, actor="system")
        elif run.status not in OVER:
            data.draw(st.sampled_from([cancel_run, pause_run]))(run, actor="system")
        elif run.status == RunStatus.COMPLETED and Run.objects.count() < 12:
            replay_run(run, actor="system")

    def drive_one(self) -> str | None:
        try:
            return run_one()
        except Crash:
            for run in Run.objects.filter(status__in=HELD):
                reaper.give_back(run.pk, epoch=run.epoch)
            return "crashed"

    # --- what must hold --------------------------------------------------------------------------------------------

    @invariant()
    def a_completed_step_never_changes(self) -> None:
        for step in Step.objects.filter(status=StepStatus.COMPLETED):
            known = self.outputs.setdefault((step.run_id, step.key), step.output)
            assert step.output == known

    @invariant()
    def an_outside_step_is_repeated_only_for_a_crash_or_a_failure(self) -> None:
        for key, calls in fate.calls.items():
            allowed = 1 + fate.crashes[key] + fate.failures[key]
            assert calls <= allowed, (key, calls, allowed)

    @invariant()
    def a_database_step_and_its_effect_stand_together(self) -> None:
        steps = Step.objects.filter(kind="database", status=StepStatus.COMPLETED)
        own = steps.filter(run__replay_of__isnull=True).select_related("run")
        written = {f"{step.run.public_id}:{step.key}" for step in own}
        effects = set(Bucket.objects.filter(key__startswith="run_").values_list("key", flat=True))
        replayed = {
            f"{step.run.public_id}:{step.key}"
            for step in steps.filter(run__replay_of__isnull=False).select_related("run")
        }
        assert written <= effects <= written | replayed

    @invariant()
    def no_slot_is_taken_more_often_than_it_may(self) -> None:
        limits = {
            slot: limit for run in Run.objects.exclude(slot="") for slot, limit in run.slots.items()
        }
        taken = slots.used(limits)
        assert all(taken[slot] <= limit for slot, limit in limits.items())

    @invariant()
    def nobody_is_blocked_where_there_is_room(self) -> None:
        for run in Run.objects.filter(status=RunStatus.BLOCKED).exclude(
            blocked_by__startswith="turn:"
        ):
            assert slots.used([run.blocked_by])[run.blocked_by] >= run.slots[run.blocked_by]

    @invariant()
    def a_count_of_children_is_what_has_not_ended(self) -> None:
        for join in Join.objects.filter(run__status=RunStatus.WAITING):
            open_ones = Run.objects.filter(
                parent=join.run_id, parent_step=join.step, is_joined=False
            )
            assert join.remaining == open_ones.count()

    @invariant()
    def what_is_over_stays_over(self) -> None:
        for run in Run.objects.filter(status__in=OVER - {RunStatus.FAILED}):
            known = self.over.setdefault(run.pk, run.status)
            assert run.status == known
        ended = Run.objects.filter(pk__in=self.over).values_list("pk", "status")
        assert dict(ended) == self.over

    @invariant()
    def no_sleep_ends_early(self) -> None:
        slept = Step.objects.filter(kind="sleep", status=StepStatus.COMPLETED)
        assert all(step.finished_at >= step.wake_at for step in slept)

    def see_everything_end(self) -> None:
        """Nothing is lost: left alone, with time, whatever was started comes to an end."""
        for run in Run.objects.filter(status=RunStatus.PAUSED):
            resume_run(run, actor="system")
        for _ in range(400):
            dispatching.dispatch_new()
            timers.promote_due()
            if self.drive_one() is not None:
                continue
            due = timers.next_due()
            if due is None:
                break
            self.journey.enter_context(clock.travel(to=max(due, clock.now())))
        left = Run.objects.exclude(status__in=OVER)
        assert not left.exists(), [(run.status, run.input, run.due_at) for run in left]
        assert not Run.objects.filter(status=RunStatus.FAILED, error__type="CrashLoop").exists()


def test_the_promises_hold_whatever_happens():
    run_state_machine_as_test(
        Engine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=25,
            deadline=None,
            database=None,
            derandomize="MACHINE_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
