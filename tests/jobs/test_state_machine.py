"""The engine under whatever can happen to it: claims, crashes, zombies, clock jumps, retries, cancels, pauses, events.

Runs are started by people, by code and by events, alone, as singletons and in batches; they act, sleep, wait, have
children and deadlines, and are cancelled by events; workflows are paused and resumed.

Hypothesis writes the history; after every line of it the promises of the engine must hold, and at its end nothing may
have been lost: whatever was started comes to an end.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import ExitStack, suppress
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
from core.errors import Conflict, PermanentFailure
from core.ids import uuid7
from jobs import deadlines, reaper, slots, timers
from jobs.actions import (
    cancel_run,
    pause_run,
    replay_run,
    resume_run,
    retry_run,
    start_run,
    wake_run,
)
from jobs.events import dispatching
from jobs.events.sending import send_event
from jobs.flow import Batch, Concurrency, Singleton
from jobs.holds import pause_workflow, paused_workflows, resume_workflow
from jobs.interrupts import LeaseLost
from jobs.leases import Lease, begin, claim, renew
from jobs.models import Bucket, Event, EventEffect, Gathering, Hold, Join, Run, Step
from jobs.registry import workflow
from jobs.retrying import Retry
from jobs.states import HELD, OVER, RunStatus, StepStatus
from jobs.testing import Crash, run_one
from jobs.triggers import CancelOn, Trigger

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


@workflow(
    "machine.parent",
    retry=Retry((60, 60)),
    concurrency=(Concurrency(2, key="key"),),
    cancel_on=[CancelOn("machine.stop", {"key": "key"})],
    deadline=4 * 3600,
)
def parent(run: Any, *, plan: str, key: str) -> str:
    return act(run, plan)


@workflow("machine.child", retry=Retry((60,)), concurrency=2)
def child(run: Any, *, plan: str) -> str:
    return act(run, plan)


@workflow("machine.single", retry=Retry((60,)), singleton=Singleton(key="key"))
def single(run: Any, *, plan: str, key: str) -> str:
    return act(run, plan)


@workflow("machine.batched", triggers=[Trigger("machine.start")], batch=Batch(2, 600, key="key"))
def batched(run: Any) -> list[int]:
    run.step("s", lambda: fate.meet(run.idempotency_key))
    return [event.data["n"] for event in run.events]


class Engine(RuleBasedStateMachine):
    @initialize()
    def begin_afresh(self) -> None:
        for model in (Step, Join, Event, Bucket, Hold, Gathering):
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

    @rule(key=st.sampled_from(LETTERS), plan=st.text("sdz", min_size=1, max_size=2))
    def start_a_singleton(self, key: str, plan: str) -> None:
        start_run("machine.single", input={"plan": plan, "key": key})

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

    @rule(key=st.sampled_from(LETTERS[:2]))
    def an_event_comes_for_a_batch(self, key: str) -> None:
        send_event("machine.start", {"key": key, "n": Event.objects.count()})
        dispatching.dispatch_new()

    @rule(key=st.sampled_from(LETTERS))
    def an_event_cancels(self, key: str) -> None:
        send_event("machine.stop", {"key": key})
        dispatching.dispatch_new()
        spared = Run.objects.filter(workflow="machine.parent", input__key=key).exclude(
            status__in=OVER
        )
        assert not spared.filter(cancel_requested_at=None).exists()

    @rule(name=st.sampled_from(["machine.parent", "machine.child", "machine.batched"]))
    def a_workflow_is_paused_or_resumed(self, name: str) -> None:
        is_on = name in paused_workflows()
        (resume_workflow if is_on else pause_workflow)(name, actor="system")

    @rule(data=st.data())
    def somebody_wakes_a_run(self, data: st.DataObject) -> None:
        runs = list(Run.objects.exclude(status__in=OVER).order_by("id"))
        if runs:
            wake_run(data.draw(st.sampled_from(runs)))

    @rule(data=st.data())
    def somebody_acts(self, data: st.DataObject) -> None:
        runs = list(Run.objects.order_by("id"))
        if not runs:
            return
        run = data.draw(st.sampled_from(runs))
        if run.status == RunStatus.FAILED:
            self.retry(run)
        elif run.status == RunStatus.PAUSED:
            resume_run(run, actor="system")
        elif run.status not in OVER:
            data.draw(st.sampled_from([cancel_run, pause_run]))(run, actor="system")
        elif run.status == RunStatus.COMPLETED and Run.objects.count() < 12:
            with suppress(Conflict):  # another of its singleton is under way
                replay_run(run, actor="system")

    def retry(self, run: Run) -> None:
        with suppress(Conflict):
            retry_run(run, actor="system")
            self.over.pop(run.pk, None)
            for retried in Run.objects.filter(parent=run):
                self.over.pop(retried.pk, None)

    def drive_one(self) -> str | None:
        deadlines.enforce()
        begun = {run.pk for run in Run.objects.filter(workflow__in=paused_workflows())}
        before = dict(Run.objects.filter(pk__in=begun).values_list("pk", "epoch"))
        word = self.drive_whichever()
        assert dict(Run.objects.filter(pk__in=begun).values_list("pk", "epoch")) == before
        return word

    def drive_whichever(self) -> str | None:
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
        paused = {f"workflow:{name}" for name in paused_workflows()}
        blocked = Run.objects.filter(status=RunStatus.BLOCKED)
        for run in blocked.exclude(blocked_by__startswith="turn:"):
            if run.blocked_by.startswith("workflow:"):
                assert run.blocked_by in paused
                continue
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

    @invariant()
    def each_event_is_in_one_batch_and_no_batch_holds_more_than_it_may(self) -> None:
        started = EventEffect.objects.filter(event__name="machine.start", kind="started")
        first = started.filter(run__replay_of__isnull=True).values_list("event", "run")
        events = Event.objects.filter(name="machine.start")
        assert sorted(event for event, _ in first) == sorted(events.values_list("pk", flat=True))
        assert all(count <= 2 for count in Counter(run for _, run in first).values())

    @invariant()
    def a_batch_that_ended_saw_all_its_events(self) -> None:
        for run in Run.objects.filter(workflow="machine.batched", status=RunStatus.COMPLETED):
            told = EventEffect.objects.filter(run=run, kind="started").order_by("event_id")
            assert run.output == [effect.event.data["n"] for effect in told]

    @invariant()
    def one_of_a_singleton_is_not_over(self) -> None:
        alive = Run.objects.filter(workflow="machine.single").exclude(status__in=OVER)
        keys = Counter(run.input["key"] for run in alive.filter(cancel_requested_at=None))
        assert all(count == 1 for count in keys.values())

    def see_everything_end(self) -> None:
        """Nothing is lost: left alone, with time, whatever was started comes to an end."""
        for name in paused_workflows():
            resume_workflow(name, actor="system")
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
