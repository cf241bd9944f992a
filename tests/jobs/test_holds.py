"""Paused workflows and queues: nobody takes their runs up, and nothing is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from core import clock
from core.errors import Conflict, NotFound
from core.ids import uuid7
from core.models import AuditEntry
from jobs import schedules, slots
from jobs.actions import pause_run, resume_run, start_run
from jobs.flow import Concurrency
from jobs.holds import (
    pause_queue,
    pause_workflow,
    paused_workflows,
    resume_queue,
    resume_workflow,
)
from jobs.interrupts import LeaseLost
from jobs.leases import begin, claim, take
from jobs.models import Run, Schedule
from jobs.registry import workflow
from jobs.testing import run_one, run_until_idle

pytestmark = pytest.mark.django_db

calls: list[object] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    calls.clear()


@workflow("test.held")
def held(run, *, n: int = 0):
    run.step("one", lambda: calls.append(n))
    run.sleep("night", 3600)
    run.step("two", lambda: calls.append(-n))


@workflow("test.free")
def free(run):
    calls.append("free")


@workflow("test.held_narrow", concurrency=(Concurrency(1),))
def narrow(run, *, n: int):
    calls.append(n)


def statuses(name: str = "test.held") -> list[str]:
    return list(Run.objects.filter(workflow=name).order_by("id").values_list("status", flat=True))


def test_the_runs_of_a_paused_workflow_wait_and_the_others_go_on():
    start_run("test.held", input={"n": 1})
    pause_workflow("test.held", actor="staff:alice")
    start_run("test.held", input={"n": 2})
    start_run("test.free")

    run_until_idle()

    assert calls == ["free"]
    assert statuses() == ["blocked", "blocked"]
    assert Run.objects.filter(workflow="test.held").first().blocked_until == (
        "until somebody resumes test.held, which is paused"
    )

    resume_workflow("test.held", actor="staff:alice")
    run_until_idle()

    assert calls == ["free", 1, 2]
    verbs = AuditEntry.objects.filter(actor="staff:alice").order_by("id")
    assert list(verbs.values_list("verb", flat=True)) == ["hold.pause", "hold.resume"]


def test_a_run_that_wakes_while_its_workflow_is_paused_waits_too():
    start_run("test.held", input={"n": 1})
    run_until_idle()
    pause_workflow("test.held", actor="system")

    with clock.travel(by=timedelta(hours=2)):
        run_until_idle()
        assert (calls, statuses()) == ([1], ["blocked"])

        resume_workflow("test.held", actor="system")
        run_until_idle()

    assert (calls, statuses()) == ([1, -1], ["completed"])


def test_what_is_on_its_way_to_a_worker_is_taken_back():
    start_run("test.held_narrow", input={"n": 1})
    lease = claim("main", worker_id=uuid7())

    pause_workflow("test.held_narrow", actor="system")

    with pytest.raises(LeaseLost):
        begin(lease.run_id, epoch=lease.epoch, worker_id=lease.worker_id)
    assert slots.used(["test.held_narrow"])["test.held_narrow"] == 0
    resume_workflow("test.held_narrow", actor="system")
    run_until_idle()
    assert calls == [1]


def test_a_worker_that_helps_itself_takes_nothing_that_is_paused():
    start_run("test.held")
    pause_workflow("test.held", actor="system")
    Run.objects.update(status="ready", blocked_by="")

    assert take("main", worker_id=uuid7()) is None


def test_a_person_may_pause_and_resume_a_run_of_a_paused_workflow():
    run = start_run("test.held", input={"n": 1})
    pause_workflow("test.held", actor="system")
    pause_run(run, actor="system")
    resume_run(run, actor="system")

    run_until_idle()

    assert (calls, statuses()) == ([], ["blocked"])
    resume_workflow("test.held", actor="system")
    run_until_idle()
    assert calls == [1]


def test_a_slot_of_cron_is_made_up_for_once_when_its_workflow_goes_on():
    @workflow("test.held_cron", cron="17 3 29 2 *")
    def rarely(run):
        calls.append("cron")

    schedules.install_schedules()
    Schedule.objects.exclude(workflow="test.held_cron").delete()
    slot = Schedule.objects.get().next_at
    pause_workflow("test.held_cron", actor="system")

    with clock.travel(to=slot + timedelta(hours=3)):
        run_until_idle(cron=True)
        assert (calls, statuses("test.held_cron")) == ([], [])

        resume_workflow("test.held_cron", actor="system")
        run_until_idle(cron=True)

    assert calls == ["cron"]


def test_of_a_paused_queue_nothing_is_taken_up_and_other_queues_go_on():
    @workflow("test.slow_queue", queue="slow")
    def slow(run):
        calls.append("slow")

    start_run("test.slow_queue")
    start_run("test.free")
    pause_queue("main", actor="system")

    assert (run_one(), run_one(queue="slow")) == (None, "completed")
    assert take("main", worker_id=uuid7()) is None
    assert (calls, statuses("test.free")) == (["slow"], ["ready"])

    resume_queue("main", actor="system")
    run_until_idle()
    assert calls == ["slow", "free"]


def test_what_is_paused_cannot_be_paused_again_nor_what_is_not_be_resumed():
    with pytest.raises(Conflict, match="workflow test.held is not paused"):
        resume_workflow("test.held", actor="system")
    for _ in range(2):
        pause_workflow("test.held", actor="system")
        with pytest.raises(Conflict, match="workflow test.held is paused already"):
            pause_workflow("test.held", actor="system")
        assert paused_workflows() == {"test.held"}
        resume_workflow("test.held", actor="system")
        assert paused_workflows() == set()


def test_what_nobody_knows_cannot_be_paused():
    with pytest.raises(NotFound, match="no workflow 'test.hold'"):
        pause_workflow("test.hold", actor="system")
    with pytest.raises(NotFound, match="no queue 'mian'"):
        pause_queue("mian", actor="system")
    assert paused_workflows() == set()


def test_operators_pause_by_command(capsys):
    call_command("workflows", "pause", "test.held")
    call_command("workflows")

    said = capsys.readouterr().out
    assert said.startswith("The workflow test.held is paused.")
    assert "test.held, paused" in said
    with pytest.raises(CommandError, match="paused already"):
        call_command("workflows", "pause", "test.held")
    call_command("workflows", "resume", "test.held")
    call_command("workflows", "pause-queue", "main")
    call_command("workflows", "resume-queue", "main")
    assert capsys.readouterr().out.splitlines() == [
        "The workflow test.held goes on.",
        "The queue main is paused.",
        "The queue main goes on.",
    ]


def test_programs_pause_over_the_api(api):
    robot = api("runs:control", "runs:read")

    paused = robot.post("/api/v1/workflows/test.held/pause")
    again = robot.post("/api/v1/workflows/test.held/pause")
    listed = robot.get("/api/v1/workflows").json()
    resumed = robot.post("/api/v1/workflows/test.held/resume")

    assert (paused.status_code, paused.json()["is_paused"]) == (200, True)
    assert again.status_code == 409
    assert [each["name"] for each in listed if each["is_paused"]] == ["test.held"]
    assert (resumed.status_code, resumed.json()["is_paused"]) == (200, False)
    assert robot.post("/api/v1/queues/main/pause").json()["name"] == "queue:main"
    assert robot.post("/api/v1/queues/main/resume").status_code == 200
    assert api("runs:read").post("/api/v1/workflows/test.held/pause").status_code == 403
    assert paused_workflows() == set()


def test_operators_pause_and_resume_in_the_admin(client_of, oscar):
    browser = client_of(oscar)

    browser.post("/admin/jobs/hold/add/", {"what": "workflow:test.held"})
    refused = browser.post("/admin/jobs/hold/add/", {"what": "workflow:test.held"})

    assert paused_workflows() == {"test.held"}
    assert "is paused already" in refused.content.decode()
    browser.post("/admin/jobs/hold/workflow_3Atest.held/resume/")
    assert paused_workflows() == set()


def test_who_may_only_look_pauses_nothing(client_of, bob):
    answer = client_of(bob).post("/admin/jobs/hold/add/", {"what": "workflow:test.held"})

    assert (answer.status_code, paused_workflows()) == (403, set())
