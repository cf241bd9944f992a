"""Pause and cancel stop new batches within one batch; resuming goes on where it stood."""

from __future__ import annotations

import pytest
import requests

from core.audit import AuditEntry
from core.errors import Conflict, Refused
from jobs.testing import run_one
from messaging.actions.senders import pause_sender, resume_sender
from messaging.models import SendBatch, Stream
from messaging.streams import close_stream, pause_stream, resume_stream, tally
from tests.messaging.outbox.making import (
    assert_each_sent_once,
    deliver,
    make_stream,
    statuses,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def during_the_first_call(monkeypatch):
    """Do something while the provider works on its first batch, and deliver as far as it goes."""

    def arrange(act) -> None:
        request = requests.Session.request

        def interrupted(self, *args, **kwargs):
            patch.undo()
            act()
            return request(self, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(requests.Session, "request", interrupted)
            deliver()

    return arrange


def test_a_paused_stream_ends_with_the_batch_on_its_way(
    resend, resend_server, during_the_first_call
):
    stream = make_stream(resend, people=350)

    during_the_first_call(lambda: pause_stream(stream))

    assert statuses(stream) == {"sent": 100, "pending": 250}
    assert len(resend_server.accepted) == 100

    resume_stream(stream)
    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 350}


def test_a_closed_stream_ends_with_the_batch_on_its_way(
    resend, resend_server, during_the_first_call
):
    stream = make_stream(resend, people=350)

    during_the_first_call(lambda: close_stream(stream))

    assert statuses(stream) == {"sent": 100, "skipped": 250}
    assert tally(stream).reasons == {"cancelled": 250}
    assert len(resend_server.accepted) == 100


def test_a_paused_sender_ends_with_the_batch_on_its_way(
    resend, resend_server, during_the_first_call
):
    stream = make_stream(resend, people=350)

    during_the_first_call(lambda: pause_sender(resend, reason="wrong logo", actor="staff:alice"))

    assert statuses(stream) == {"sent": 100, "pending": 250}

    resume_sender(resend, actor="staff:alice")
    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 350}
    assert list(AuditEntry.objects.order_by("at").values_list("verb", flat=True))[-2:] == [
        "sender.paused",
        "sender.resumed",
    ]


def test_what_is_in_doubt_is_resolved_though_its_stream_is_closed(resend, resend_server):
    stream = make_stream(resend, people=120)
    resend_server.misbehave(script=[["cut"]])
    run_one()

    close_stream(stream)
    assert statuses(stream) == {"sending": 100, "skipped": 20}
    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 100, "skipped": 20}


def test_another_stream_in_a_dissolved_batch_goes_on(resend, resend_server):
    resend_server.misbehave(script=[[403, "invalid_api_key"]])
    closed = make_stream(resend, people=2, title="Closed")
    other = make_stream(resend, people=3, title="Other")
    deliver()
    assert SendBatch.objects.get().count == 5

    close_stream(closed)
    assert statuses(other) == {"pending": 3}
    resume_sender(resend, actor="staff:alice")
    deliver()

    assert_each_sent_once(resend_server, other)
    assert statuses(closed) == {"skipped": 2}


def test_pausing_and_resuming_twice_changes_nothing_more(sandbox):
    stream = make_stream(sandbox, people=1)
    for act, status in [
        (pause_stream, "paused"),
        (pause_stream, "paused"),
        (resume_stream, "open"),
        (resume_stream, "open"),
        (close_stream, "closed"),
        (close_stream, "closed"),
    ]:
        act(stream)
        assert Stream.objects.get().status == status


@pytest.mark.parametrize("act", [pause_stream, resume_stream])
def test_a_closed_stream_stays_closed(act, sandbox):
    stream = make_stream(sandbox, people=1)
    close_stream(stream)

    with pytest.raises(Conflict, match="is closed"):
        act(stream)
    assert Stream.objects.get().status == "closed"


def test_pausing_a_sender_needs_a_reason_and_an_active_sender(sandbox):
    with pytest.raises(Refused) as refusal:
        pause_sender(sandbox, reason="  ", actor="staff:alice")
    assert refusal.value.field == "reason"

    pause_sender(sandbox, reason="wrong logo", actor="staff:alice")
    with pytest.raises(Conflict, match="is paused already"):
        pause_sender(sandbox, reason="again", actor="staff:bob")
    sandbox.refresh_from_db()
    assert sandbox.paused_reason == "wrong logo"
