"""What staff, programs and operators may do to runs: the same verbs behind every door, each with its permission."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from core.errors import PermanentFailure
from core.models import AuditEntry
from jobs.actions import pause_run, start_run
from jobs.catalogue import entries
from jobs.flow import Concurrency, Throttle
from jobs.models import Run, Schedule
from jobs.registry import workflow
from jobs.retrying import NO_RETRY
from jobs.schedules import install_schedules
from jobs.states import RunStatus
from jobs.testing import crash_after, history, run_until_idle
from jobs.triggers import CancelOn

pytestmark = pytest.mark.django_db

broken = [True]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    broken[0] = True


@workflow(
    "test.doors",
    retry=NO_RETRY,
    concurrency=(Concurrency(3), Concurrency(1, key="word")),
    throttle=Throttle(50, 60, burst=50),
    cron="0 6 * * 1",
    time_zone="Africa/Johannesburg",
)
def doors(run, *, word: str = "plain"):
    """Open one door after another.

    More of it.
    """
    run.step("knock", lambda: None)
    run.step("enter", enter)
    return word


def enter() -> None:
    if broken[0]:
        raise PermanentFailure("locked")


def failed_run() -> Run:
    run = start_run("test.doors")
    run_until_idle()
    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    return run


def command(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_a_program_replays_a_run_from_a_step_with_other_input(api):
    run = failed_run()
    broken[0] = False

    answer = api("runs:control").post(
        f"/api/v1/runs/{run.public_id}/replay",
        {"from_step": "enter", "input": {"word": "open"}},
        format="json",
    )

    body = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/runs/{body['id']}"
    assert (body["replay_of"], body["status"]) == (run.public_id, "ready")
    run_until_idle()
    again = Run.from_public_id(body["id"])
    assert (again.output, history(again)) == (
        "open",
        [("knock", "completed"), ("enter", "completed")],
    )


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [({"from_step": "cellar"}, "#/from_step"), ({"input": {"word": 5}}, "#/input/word")],
)
def test_a_replay_that_cannot_be_names_the_field(api, wish, pointer):
    run = failed_run()

    answer = api("runs:control").post(f"/api/v1/runs/{run.public_id}/replay", wish, format="json")

    assert answer.status_code in (404, 422)
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert Run.objects.count() == 1


def test_a_program_pauses_resumes_and_dismisses(api):
    run = start_run("test.doors")
    caller = api("runs:control")

    paused = caller.post(f"/api/v1/runs/{run.public_id}/pause")
    resumed = caller.post(f"/api/v1/runs/{run.public_id}/resume")
    run_until_idle()
    dismissed = caller.post(f"/api/v1/runs/{run.public_id}/dismiss")

    assert (paused.status_code, paused.json()["status"]) == (200, "paused")
    assert (resumed.status_code, resumed.json()["status"]) == (202, "ready")
    assert (dismissed.status_code, dismissed.json()["status"]) == (200, "failed")
    assert dismissed.json()["dismissed_at"] is not None


@pytest.mark.parametrize("verb", ["retry", "replay", "pause", "resume", "dismiss", "cancel"])
def test_a_key_that_may_only_read_changes_nothing(api, verb):
    run = failed_run()

    answer = api("runs:read").post(f"/api/v1/runs/{run.public_id}/{verb}")

    assert answer.status_code == 403
    assert Run.objects.count() == 1
    assert Run.objects.get().status == RunStatus.FAILED


def test_programs_see_workflows_with_what_starts_and_limits_them(api):
    install_schedules()

    answer = api("runs:read").get("/api/v1/workflows")

    [entry] = [each for each in answer.json() if each["name"] == "test.doors"]
    assert entry["about"] == "Open one door after another."
    assert entry["triggers"] == ["cron 0 6 * * 1 (Africa/Johannesburg)"]
    assert entry["limits"] == ["3 at once", "1 at once for each word", "50 starts in 60 s"]
    assert entry["input"]["properties"]["word"] == {
        "default": "plain",
        "title": "Word",
        "type": "string",
    }
    assert entry["next_at"] is not None


def test_operators_see_the_same():
    install_schedules()

    listed = command("workflows")

    assert "test.doors" in listed
    assert "started by: cron 0 6 * * 1 (Africa/Johannesburg)" in listed
    assert "limits: 1 at once for each word" in listed
    assert "takes: word" in listed


def test_the_next_slot_is_known_before_any_worker_ran():
    assert not Schedule.objects.exists()
    [entry] = [each for each in entries() if each.name == "test.doors"]

    install_schedules()

    assert entry.next_at == Schedule.objects.get(workflow="test.doors").next_at


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"is_enabled": False}, ", switched off"),
        ({"error": "no such day"}, ", stopped: no such day"),
    ],
)
def test_a_schedule_that_does_not_fire_says_so(change, told):
    install_schedules()
    Schedule.objects.filter(workflow="test.doors").update(**change)

    [entry] = [each for each in entries() if each.name == "test.doors"]

    assert entry.triggers == [f"cron 0 6 * * 1 (Africa/Johannesburg){told}"]
    assert entry.next_at is None


def test_what_cancels_a_workflow_is_listed_once():
    @workflow("test.cancellable", cancel_on=[CancelOn("order.withdrawn", {"order": "order"})])
    def cancellable(run, *, order):
        """Fulfil an order
        until it is withdrawn.

        More is not listed.
        """

    [entry] = [each for each in entries() if each.name == "test.cancellable"]

    assert entry.about == "Fulfil an order until it is withdrawn."
    assert entry.limits == ["cancelled by event order.withdrawn if order is its order"]


def test_operators_pause_resume_replay_and_dismiss():
    run = start_run("test.doors")

    assert command("runs", "pause", run.public_id) == f"{run.public_id} is paused.\n"
    assert command("runs", "resume", run.public_id) == f"{run.public_id} goes on.\n"
    run_until_idle()
    again = command(
        "runs", "replay", run.public_id, "--from", "enter", "--input", '{"word": "x"}'
    ).strip()
    assert Run.from_public_id(again).input == {"word": "x"}
    assert "waits for nobody" in command("runs", "dismiss", run.public_id)
    with pytest.raises(CommandError, match="Only a failed run"):
        command("runs", "dismiss", run.public_id)


def press(client, run: Run, verb: str, **answers: str):
    return client.post(reverse(f"admin:jobs_run_{verb}", args=[run.pk]), answers)


@pytest.mark.parametrize(
    ("verb", "person", "is_allowed"),
    [
        ("pause", "alice", True),
        ("pause", "bob", False),
        ("replay", "bob", False),
        ("dismiss", "bob", False),
        ("dismiss", "alice", True),
        ("replay", "alice", True),
    ],
)
def test_buttons_ask_for_their_permission(client_of, request, verb, person, is_allowed):
    run = start_run("test.doors") if verb == "pause" else failed_run()
    client = client_of(request.getfixturevalue(person))

    answer = press(client, run, verb, from_step="", input="")

    assert answer.status_code == (302 if is_allowed else 403)
    assert AuditEntry.objects.filter(verb=f"run.{verb}").exists() == is_allowed


def test_staff_resume_what_is_paused(client_of, alice):
    run = start_run("test.doors")
    pause_run(run, actor="staff:alice")

    press(client_of(alice), run, "resume")

    run.refresh_from_db()
    assert run.status == RunStatus.READY


def test_staff_see_what_failed_in_groups(client_of, alice):
    failed_run()
    failed_run()

    page = client_of(alice).get(
        reverse("admin:jobs_run_changelist"), {"failure": "test.doors: enter: PermanentFailure"}
    )

    text = page.content.decode()
    assert "test.doors: enter: PermanentFailure (2)" in text
    assert page.context["cl"].result_count == 2


def test_the_page_of_a_run_leads_to_its_children_and_back(client_of, alice):
    @workflow("test.doors_parent")
    def doors_parent(run):
        run.map("open", "test.doors", [{"word": "a"}, {"word": "b"}])

    parent = start_run("test.doors_parent")
    run_until_idle()
    client = client_of(alice)

    page = client.get(reverse("admin:jobs_run_change", args=[parent.pk])).content.decode()
    child = Run.objects.filter(parent=parent).first()
    back = client.get(reverse("admin:jobs_run_change", args=[child.pk])).content.decode()

    assert "2 failed" in page
    assert reverse("admin:jobs_run_change", args=[parent.pk]) in back
    children = client.get(
        reverse("admin:jobs_run_changelist"), {"parent__id__exact": str(parent.pk)}
    )
    assert children.context["cl"].result_count == 2


def test_a_crash_after_a_step_repeats_nothing():
    broken[0] = False
    run = start_run("test.doors")

    crash_after(run, "knock")

    assert (run.status, run.crashes) == (RunStatus.READY, 0)
    assert history(run) == [("knock", "completed")]
    run_until_idle()
    assert history(run) == [("knock", "completed"), ("enter", "completed")]


def test_hello_world_says_hello():
    run = start_run("hello_world", input={"name": "Ada"})

    run_until_idle(advance=True)

    run.refresh_from_db()
    assert (run.output, history(run)) == (
        "Hello, Ada!",
        [("compose", "completed"), ("take a breath", "completed")],
    )
    assert json.dumps(run.input) == '{"name": "Ada"}'
