"""A lease is one process's right to write to a run; who lost it can change nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.db.models.functions import Now

from core.ids import uuid7
from jobs import processes, reaper
from jobs.actions import start_run
from jobs.checkpoints import StepRecord, save
from jobs.interrupts import LeaseLost
from jobs.leases import Lease, Wish, begin, claim, keep_alive, let_go, renew
from jobs.models import ProcessKind, Run, Step, WorkerProcess
from jobs.registry import workflow
from jobs.states import RunStatus, StepKind

pytestmark = pytest.mark.django_db


@workflow("test.idle")
def idle(run): ...


def claimed() -> Lease:
    lease = claim("main", worker_id=uuid7())
    assert lease is not None
    return lease


def running() -> Lease:
    start_run("test.idle")
    lease = claimed()
    begin(lease.run_id, epoch=lease.epoch, worker_id=lease.worker_id)
    return lease


def expire(lease: Lease) -> None:
    Run.objects.filter(pk=lease.run_id).update(lease_until=Now() - timedelta(seconds=1))


def test_a_ready_run_is_claimed_once():
    run = start_run("test.idle")

    lease = claim("main", worker_id=uuid7())

    assert (lease.run_id, lease.epoch) == (run.pk, 1)
    assert claim("main", worker_id=uuid7()) is None


def test_a_run_of_another_queue_is_not_claimed():
    start_run("test.idle", queue="slow")

    assert claim("main", worker_id=uuid7()) is None
    assert claim("slow", worker_id=uuid7()) is not None


def test_a_stale_claim_cannot_begin():
    start_run("test.idle")
    stale = claimed()
    expire(stale)
    reaper.reap_expired()
    fresh = claimed()

    with pytest.raises(LeaseLost):
        begin(stale.run_id, epoch=stale.epoch, worker_id=stale.worker_id)
    assert begin(fresh.run_id, epoch=fresh.epoch, worker_id=fresh.worker_id).epoch == 2


def test_a_claim_that_never_started_goes_back_without_counting_a_crash():
    start_run("test.idle")
    expire(claimed())

    assert reaper.reap_expired() == 1

    run = Run.objects.get()
    assert (run.status, run.crashes) == (RunStatus.READY, 0)


def test_a_holder_that_was_declared_dead_can_write_nothing():
    zombie = running()
    expire(zombie)
    reaper.reap_expired()
    heir = claimed()
    begin(heir.run_id, epoch=heir.epoch, worker_id=heir.worker_id)

    with pytest.raises(LeaseLost):
        renew(zombie)
    with pytest.raises(LeaseLost):
        keep_alive(zombie)
    with pytest.raises(LeaseLost):
        save(zombie, StepRecord("late", StepKind.OUTSIDE))
    with pytest.raises(LeaseLost):
        let_go(zombie, status=RunStatus.COMPLETED)
    assert Step.objects.count() == 0
    assert Run.objects.get().status == RunStatus.RUNNING


def begun() -> Lease:
    """Return the lease of a worker that has just begun a run."""
    claim = claimed()
    run = begin(claim.run_id, epoch=claim.epoch, worker_id=claim.worker_id)
    return Lease.of(run, claim.worker_id)


def test_a_lease_that_was_just_renewed_is_proven_by_a_step_and_renewed_by_a_later_one():
    start_run("test.idle")
    lease = begun()
    expire(lease)
    until = Run.objects.get().lease_until

    save(lease, StepRecord("soon", StepKind.OUTSIDE))
    assert Run.objects.get().lease_until == until

    lease.renew_at = 0.0  # two seconds go by
    save(lease, StepRecord("later", StepKind.OUTSIDE))
    assert reaper.reap_expired() == 0
    assert Step.objects.count() == 2


def test_a_holder_that_need_not_renew_yet_can_write_nothing_either_once_it_lost_its_lease():
    start_run("test.idle")
    zombie = begun()
    expire(zombie)
    reaper.reap_expired()
    begun()

    with pytest.raises(LeaseLost):
        save(zombie, StepRecord("late", StepKind.OUTSIDE))
    assert Step.objects.count() == 0


@pytest.mark.parametrize("trouble", ["crashes", "attempts"])
def test_the_first_step_after_a_trouble_forgives_it(trouble):
    start_run("test.idle")
    Run.objects.update(**{trouble: 2})

    save(begun(), StepRecord("through", StepKind.OUTSIDE))

    run = Run.objects.get()
    assert (run.crashes, run.attempts) == (0, 0)


def test_a_step_hears_of_a_wish_whether_it_renews_or_not():
    start_run("test.idle")
    lease = begun()
    Run.objects.update(pause_requested_at=Now())

    assert save(lease, StepRecord("one", StepKind.OUTSIDE)) is Wish.PAUSE
    lease.renew_at = 0.0
    assert save(lease, StepRecord("two", StepKind.OUTSIDE)) is Wish.PAUSE


def test_a_lease_that_is_renewed_is_not_reaped():
    lease = running()
    expire(lease)
    keep_alive(lease)

    assert reaper.reap_expired() == 0
    assert Run.objects.get().status == RunStatus.RUNNING


def crash_once() -> Run:
    lease = claimed()
    begin(lease.run_id, epoch=lease.epoch, worker_id=lease.worker_id)
    expire(lease)
    reaper.reap_expired()
    return Run.objects.get(pk=lease.run_id)


def test_three_crashes_without_progress_fail_the_run():
    start_run("test.idle")

    assert [crash_once().status for _ in range(3)] == ["ready", "ready", "failed"]
    assert Run.objects.get().error["type"] == "CrashLoop"


def test_progress_resets_the_count_of_crashes():
    start_run("test.idle")
    crash_once()
    crash_once()
    lease = claimed()
    begin(lease.run_id, epoch=lease.epoch, worker_id=lease.worker_id)

    renew(lease)

    assert Run.objects.get().crashes == 0


def test_being_alive_is_not_progress():
    start_run("test.idle")
    crash_once()
    lease = claimed()
    begin(lease.run_id, epoch=lease.epoch, worker_id=lease.worker_id)

    keep_alive(lease)

    assert Run.objects.get().crashes == 1


def test_a_run_that_was_to_be_cancelled_ends_when_its_holder_dies():
    lease = running()
    Run.objects.update(cancel_requested_at=Now())
    expire(lease)

    reaper.reap_expired()

    assert Run.objects.get().status == RunStatus.CANCELLED


def record_process(pid: int, *, born: str, host: str = processes.HOST) -> WorkerProcess:
    return WorkerProcess.objects.create(
        pk=uuid7(), kind=ProcessKind.POOL, cluster=uuid7(), host=host, pid=pid, born=born
    )


def test_the_runs_of_a_process_that_is_dead_on_this_host_are_freed_at_once():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = record_process(child.pid, born=processes.birth_of(child.pid))
    start_run("test.idle")
    lease = claim("main", worker_id=process.pk)
    begin(lease.run_id, epoch=lease.epoch, worker_id=process.pk)
    assert reaper.bury_dead_processes() == 0

    child.kill()
    child.communicate()

    assert reaper.bury_dead_processes() == 1
    assert Run.objects.get().status == RunStatus.READY
    assert WorkerProcess.objects.count() == 0


@pytest.mark.parametrize(("is_crash", "crashes"), [(True, 1), (False, 0)])
def test_a_process_that_its_supervisor_ended_leaves_no_crash_behind(is_crash, crashes):
    process = record_process(os.getpid(), born="before the last boot")
    start_run("test.idle")
    lease = claim("main", worker_id=process.pk)
    begin(lease.run_id, epoch=lease.epoch, worker_id=process.pk)

    assert reaper.bury_dead_processes(is_crash=is_crash) == 1

    run = Run.objects.get()
    assert (run.status, run.crashes) == (RunStatus.READY, crashes)


def test_another_process_with_the_same_pid_does_not_keep_a_lease_alive():
    record_process(os.getpid(), born="before the last boot")

    reaper.bury_dead_processes()

    assert WorkerProcess.objects.count() == 0


def test_processes_of_other_hosts_are_judged_by_their_leases_alone():
    record_process(os.getpid(), born="elsewhere", host="another-host")

    reaper.bury_dead_processes()

    assert WorkerProcess.objects.count() == 1
