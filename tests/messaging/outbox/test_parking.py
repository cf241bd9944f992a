"""A doubt older than the provider's memory of keys is parked for a person, and never sent again by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.audit import AuditEntry
from core.errors import Conflict
from jobs.testing import run_one
from messaging.actions.parking import mark_as_sent, send_again
from messaging.models import Message, SendBatch
from messaging.streams import close_stream, tally
from tests.messaging.outbox.making import deliver, make_stream, statuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_doubt(resend, resend_server):
    """A stream whose only batch was accepted, and whose answer never came."""
    stream = make_stream(resend, people=3)
    resend_server.misbehave(script=[["cut"]])
    run_one()
    resend_server.keeps_requests = True
    return stream


def test_after_23_hours_it_is_parked_and_not_sent(in_doubt, resend_server):
    with clock.travel(by=timedelta(hours=23)):
        resend_server.account.advance(23 * 3600)
        deliver()

    batch = SendBatch.objects.get()
    assert (batch.status, batch.attempts) == ("parked", 1)
    assert resend_server.requests == []
    assert statuses(in_doubt) == {"in_doubt": 3}
    assert tally(in_doubt).reasons == {"key_expired": 3}
    assert len(resend_server.accepted) == 3


def test_a_minute_before_that_it_is_still_resolved_under_its_key(in_doubt, resend_server):
    with clock.travel(by=timedelta(hours=22, minutes=59)):
        resend_server.account.advance(23 * 3600 - 60)
        deliver()

    assert statuses(in_doubt) == {"sent": 3}
    assert len(resend_server.requests) == 1
    assert len(resend_server.accepted) == 3


@pytest.fixture
def parked(in_doubt):
    with clock.travel(by=timedelta(hours=24)):
        deliver()
    return SendBatch.objects.parked().get()


def test_a_person_who_found_it_delivered_marks_it_as_sent(parked, in_doubt, resend_server):
    assert mark_as_sent(parked, actor="staff:alice") == 3

    deliver()

    assert statuses(in_doubt) == {"sent": 3}
    assert tally(in_doubt).reasons == {}
    assert resend_server.requests == []
    assert AuditEntry.objects.get(verb="batch.marked_as_sent").actor == "staff:alice"


def test_a_person_who_found_it_lost_sends_it_again_under_a_new_key(parked, in_doubt, resend_server):
    assert send_again(parked, actor="staff:alice") == 3

    deliver()

    assert statuses(in_doubt) == {"sent": 3}
    [(headers, _)] = resend_server.requests
    assert headers["idempotency-key"] != parked.key
    parked.refresh_from_db()
    assert parked.status == "dissolved"
    assert AuditEntry.objects.get(verb="batch.sent_again").detail == {"count": 3}


def test_sending_again_into_a_closed_stream_skips_instead(parked, in_doubt, resend_server):
    close_stream(in_doubt)

    assert send_again(parked, actor="staff:alice") == 0
    deliver()

    assert statuses(in_doubt) == {"skipped": 3}
    assert tally(in_doubt).reasons == {"cancelled": 3}
    assert resend_server.requests == []


@pytest.mark.parametrize("decide", [mark_as_sent, send_again])
def test_a_batch_is_decided_about_once(decide, parked):
    mark_as_sent(parked, actor="staff:alice")

    with pytest.raises(Conflict, match="is settled, not parked"):
        decide(SendBatch.objects.get(pk=parked.pk), actor="staff:bob")
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}
