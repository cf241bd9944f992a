"""A worker that texts may die before any statement and during the call: never two for one, nothing lost."""

from __future__ import annotations

import pytest
import requests

from jobs.testing import run_one
from messaging.models import Message, SendBatch
from tests.messaging.outbox.making import bury_the_worker, deliver, statuses
from tests.messaging.outbox.test_crashing import Crash, crash_at
from tests.messaging.sms.making import assert_nobody_got_two, make_stream

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("first", range(3))
def test_a_crash_before_any_statement_loses_and_doubles_nothing(first, twilio, twilio_server):
    """Where the worker died between the mark and the call, nobody can know: that message is listed."""
    statement, listed = first * 3, 0
    while True:
        stream = make_stream(twilio, people=1, title=f"Text {statement}")
        has_died = crash_at(statement)
        deliver()
        told = statuses(stream)
        assert told in ({"sent": 1}, {"in_doubt": 1}), f"after a crash at statement {statement}"
        listed += told.get("in_doubt", 0)
        if not has_died:
            break
        statement += 9
    assert statement > 20
    assert_nobody_got_two(twilio_server)
    sent = Message.objects.filter(status="sent").values_list("address", "provider_id")
    assert sorted(sent) == sorted((taken.to, taken.sid) for taken in twilio_server.taken)
    assert SendBatch.objects.parked().count() == listed <= 1


@pytest.mark.parametrize(("is_taken", "status"), [(True, "sent"), (False, "in_doubt")])
def test_a_crash_during_the_call_is_looked_up_and_never_repeated(
    is_taken, status, twilio, twilio_server, monkeypatch
):
    stream = make_stream(twilio, people=1)
    request = requests.Session.request

    def dying(self, *args, **kwargs):
        if is_taken:
            request(self, *args, **kwargs)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(requests.Session, "request", dying)
        with pytest.raises(Crash):
            run_one()
    bury_the_worker()
    calls = twilio_server.account.calls
    deliver()

    assert twilio_server.account.calls == calls
    assert len(twilio_server.taken) == is_taken
    assert statuses(stream) == {status: 1}


def test_a_lane_that_lost_its_lease_during_the_call_writes_nothing(
    twilio, twilio_server, monkeypatch
):
    stream = make_stream(twilio, people=1)
    request = requests.Session.request

    def slow(self, *args, **kwargs):
        answer = request(self, *args, **kwargs)
        bury_the_worker()  # found dead while it waited, and now it wakes
        return answer

    with monkeypatch.context() as patch:
        patch.setattr(requests.Session, "request", slow)
        assert run_one() == "lost"
    assert statuses(stream) == {"sending": 1}

    deliver()

    assert statuses(stream) == {"sent": 1}
    assert_nobody_got_two(twilio_server)
