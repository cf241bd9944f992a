"""A worker may die at any point: before and after every statement, and while the provider works."""

from __future__ import annotations

import pytest
import requests
from django.db import connection

from jobs.testing import run_one, run_until_idle
from messaging.models import Message, SandboxMessage, SendBatch
from messaging.settlement import BACKOFF
from tests.messaging.outbox.making import (
    assert_each_sent_once,
    bury_the_worker,
    deliver,
    make_stream,
    statuses,
)

pytestmark = pytest.mark.django_db


class Crash(BaseException):
    """The process is gone: nothing catches this."""


class DiesAt:
    """Lets so many statements pass and dies before the next one."""

    def __init__(self, statement: int) -> None:
        self.left = statement
        self.has_died = False

    def __call__(self, execute, sql, params, many, context):
        if self.left == 0 and not self.has_died:
            self.has_died = True
            raise Crash
        self.left -= 1
        return execute(sql, params, many, context)


def crash_at(statement: int) -> bool:
    """Deliver until the worker dies before a statement; False when it got through alive."""
    death = DiesAt(statement)
    try:
        with connection.execute_wrapper(death):
            run_until_idle(advance=True)
    except Crash:
        bury_the_worker()
    return death.has_died


@pytest.mark.parametrize("first", range(5))
def test_a_crash_before_any_statement_loses_and_doubles_nothing(first, resend, resend_server):
    statement = first
    while True:
        stream = make_stream(resend, people=2, title=f"News {statement}")
        has_died = crash_at(statement)
        deliver()
        assert statuses(stream) == {"sent": 2}, f"after a crash at statement {statement}"
        if not has_died:
            break
        statement += 5
    assert statement > 30
    sent = Message.objects.filter(status="sent")
    theirs = sorted((entry.message, entry.id) for entry in resend_server.accepted)
    assert theirs == sorted((message.public_id, message.provider_id) for message in sent)
    assert len({message for message, _ in theirs}) == sent.count()


def test_a_crash_before_any_statement_doubles_nothing_in_the_sandbox(sandbox):
    statement = 0
    while True:
        make_stream(sandbox, people=2, title=f"News {statement}")
        has_died = crash_at(statement)
        deliver()
        if not has_died:
            break
        statement += 3
    sent = Message.objects.filter(status="sent")
    kept = SandboxMessage.objects.values_list("message", flat=True)
    assert sorted(kept) == sorted(message.public_id for message in sent)
    assert sent.count() == Message.objects.count()


@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "not yet accepted"])
def test_a_crash_during_the_call_is_resolved_under_the_same_key(
    accepted, resend, resend_server, monkeypatch
):
    stream = make_stream(resend, people=3)
    request = requests.Session.request

    def dying(self, *args, **kwargs):
        if accepted:
            request(self, *args, **kwargs)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(requests.Session, "request", dying)
        with pytest.raises(Crash):
            run_one()
    bury_the_worker()
    resend_server.keeps_requests = True
    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 3}
    batch = SendBatch.objects.get()
    assert (batch.status, batch.attempts) == ("settled", 2)
    [(headers, body)] = resend_server.requests
    assert (headers["idempotency-key"], body) == (batch.key, batch.payload)


def test_what_a_dead_lane_left_is_finished_by_another_run(resend, resend_server, monkeypatch):
    stream = make_stream(resend, people=3)

    def dying(self, *args, **kwargs):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(requests.Session, "request", dying)
        with pytest.raises(Crash):
            run_one()
    batch = SendBatch.objects.get()
    assert batch.status == "attempted"
    type(batch.run).objects.filter(pk=batch.run_id).update(status="failed", worker_id=None)
    make_stream(resend, people=2, title="Later news")
    run_until_idle(advance=True)

    assert statuses(stream) == {"sent": 3}
    assert len(resend_server.accepted) == 5
    batch.refresh_from_db()
    assert batch.status == "settled"


def test_a_lane_that_lost_its_lease_writes_nothing(resend, resend_server, monkeypatch):
    stream = make_stream(resend, people=3)
    request = requests.Session.request

    def slow(self, *args, **kwargs):
        answer = request(self, *args, **kwargs)
        bury_the_worker()  # found dead while it waited, and now it wakes
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(requests.Session, "request", slow)
        assert run_one() == "lost"
    assert statuses(stream) == {"sending": 3}
    assert SendBatch.objects.get().status == "attempted"

    deliver()
    assert_each_sent_once(resend_server, stream)


def test_attempts_that_our_crashes_cut_short_do_not_make_the_provider_wait(
    resend, resend_server, monkeypatch
):
    make_stream(resend, people=2)
    for _ in range(2):
        with monkeypatch.context() as dying:
            dying.setattr("messaging.delivery.settle", die)
            with pytest.raises(Crash):
                run_until_idle()
        bury_the_worker()
    resend_server.misbehave(script=[[503, "service_unavailable"]])

    run_until_idle()

    batch = SendBatch.objects.get()
    waits = batch.next_attempt_at - batch.attempt_log.get().finished_at
    assert (batch.status, batch.attempts) == ("attempted", 3)
    assert waits.total_seconds() <= BACKOFF[0]


def die(*args: object, **kw: object) -> None:
    raise Crash
