"""One wish for many runs, as they are chosen in the job log: by hand, or by its filters."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.errors import TransientFailure
from core.models import AuditEntry
from jobs import acting
from jobs.acting import Verb, act_on_many
from jobs.actions import start_run
from jobs.models import Run
from jobs.registry import workflow
from jobs.retrying import NO_RETRY
from jobs.testing import run_until_idle

pytestmark = pytest.mark.django_db

URL = "/admin/jobs/run/"
broken: set[int] = set()


@workflow("test.one_of_many", retry=NO_RETRY)
def many(run, *, n: int):
    run.step("work", work, n)


@workflow("test.lasting")
def lasting(run):
    run.sleep("a year", 365 * 86400)


def work(n: int) -> None:
    if n in broken:
        raise TransientFailure(f"{n} is broken")


@pytest.fixture(autouse=True)
def runs() -> list[Run]:
    """Five, of which three have failed."""
    broken.clear()
    broken.update({0, 2, 4})
    started = [start_run("test.one_of_many", input={"n": n}) for n in range(5)]
    run_until_idle()
    broken.clear()
    return started


def statuses(name: str = "test.one_of_many") -> list[str]:
    return list(Run.objects.filter(workflow=name).order_by("id").values_list("status", flat=True))


def chosen(verb: str, *runs: Run, **more: str) -> dict[str, object]:
    return {"action": f"{verb}_many", "_selected_action": [str(run.pk) for run in runs], **more}


def test_nothing_is_done_before_it_is_confirmed_and_the_question_names_how_many(
    client_of, alice, runs
):
    page = client_of(alice).post(URL, chosen("retry", *runs)).content.decode()

    assert "Retry 3 runs?" in page
    assert "2 of those you chose are left alone" in page
    assert statuses() == ["failed", "completed", "failed", "completed", "failed"]
    assert not Run.objects.filter(workflow=acting.WORKFLOW).exists()


def test_what_was_chosen_by_hand_is_retried_by_a_run_that_one_is_led_to(client_of, alice, runs):
    answer = client_of(alice).post(URL, chosen("retry", *runs[:3], confirmed="yes"))

    doing = Run.objects.get(workflow=acting.WORKFLOW)
    assert answer.headers["Location"] == f"{URL}{doing.pk}/change/"
    run_until_idle()
    doing.refresh_from_db()
    assert doing.output == {"done": 2, "left": 0}
    assert statuses() == ["completed", "completed", "completed", "completed", "failed"]
    retried = AuditEntry.objects.filter(verb="run.retry", actor="staff:alice")
    assert retried.count() == 2


def test_all_that_a_filter_shows_are_replayed_and_no_others(client_of, alice, runs):
    failures = f"{URL}?failure=test.one_of_many: work: TransientFailure&since=24"
    wish = chosen("replay", runs[0], select_across="1", confirmed="yes")

    client_of(alice).post(failures, wish)
    run_until_idle()

    replays = Run.objects.exclude(replay_of=None).order_by("id")
    assert [run.replay_of for run in replays] == [runs[0], runs[2], runs[4]]
    assert {run.status for run in replays} == {"completed"}


def test_what_began_before_the_time_that_is_chosen_is_left_alone(client_of, alice, runs):
    Run.objects.filter(pk=runs[0].pk).update(created_at=clock.now() - timedelta(hours=2))
    wish = chosen("dismiss", runs[2], select_across="1", confirmed="yes")

    client_of(alice).post(f"{URL}?since=1&failure=any", wish)
    run_until_idle()

    assert list(Run.objects.dead_letters()) == [runs[0]]


def test_many_are_paused_resumed_and_cancelled(client_of, alice):
    sleepers = [start_run("test.lasting") for _ in range(25)]
    run_until_idle()
    browser = client_of(alice)

    for verb, status in (("pause", "paused"), ("resume", "waiting"), ("cancel", "cancelled")):
        browser.post(URL, chosen(verb, *sleepers, confirmed="yes"))
        run_until_idle()
        assert statuses("test.lasting") == [status] * 25
    done = Run.objects.filter(workflow=acting.WORKFLOW).values_list("output", flat=True)
    assert list(done) == [{"done": 25, "left": 0}] * 3


def test_what_has_moved_on_meanwhile_is_left_as_it_is_and_counted(runs):
    act_on_many(Verb.RETRY, [run.pk for run in runs], actor="staff:alice")

    run_until_idle()

    assert Run.objects.get(workflow=acting.WORKFLOW).output == {"done": 3, "left": 2}


def test_more_than_fit_into_one_run_are_several_runs(monkeypatch, runs):
    monkeypatch.setattr(acting, "MOST", 2)

    started = act_on_many(Verb.RETRY, [run.pk for run in runs], actor="staff:alice")

    assert [len(run.input["runs"]) for run in started] == [2, 2, 1]


def test_none_is_offered_what_he_may_not_do(client_of, bob, oscar, runs):
    client_of(bob).post(URL, chosen("retry", runs[0], confirmed="yes"))

    assert not Run.objects.filter(workflow=acting.WORKFLOW).exists()
    assert "Cancel these" not in client_of(bob).get(URL).content.decode()
    assert "Cancel these" in client_of(oscar).get(URL).content.decode()
