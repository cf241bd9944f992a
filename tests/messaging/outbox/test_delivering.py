"""Every message that may go out is handed over once, in the right form, at the right pace."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from jobs.models import Bucket
from messaging.models import Message, SandboxMessage, SendAttempt, SendBatch
from messaging.pacing import batch_size
from messaging.streams import tally
from tests.messaging.outbox.making import (
    assert_each_sent_once,
    deliver,
    make_sender,
    make_stream,
    make_version,
    statuses,
)

pytestmark = pytest.mark.django_db


def test_everybody_gets_the_message_once(resend, resend_server):
    stream = make_stream(resend, people=250)

    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 250}
    assert list(SendBatch.objects.order_by("id").values_list("status", "count", "attempts")) == [
        ("settled", 100, 1),
        ("settled", 100, 1),
        ("settled", 50, 1),
    ]
    assert Counter(SendAttempt.objects.values_list("outcome", flat=True)) == {"accepted": 3}


def test_two_lanes_share_the_work_and_double_none_of_it(resend_server):
    stream = make_stream(make_sender("resend", lanes=2), people=300)

    deliver()

    assert_each_sent_once(resend_server, stream)
    assert statuses(stream) == {"sent": 300}


def test_the_mail_holds_what_the_reader_and_the_law_need(resend, resend_server, settings):
    settings.PUBLIC_URL = "https://mail.longhaul.test"
    resend.from_name, resend.reply_to = "Näws", "answers@longhaul.test"
    resend.save()
    resend_server.keeps_requests = True
    stream = make_stream(resend, people=1)

    deliver()

    [(headers, body)] = resend_server.requests
    batch = SendBatch.objects.get()
    assert body == batch.payload
    assert headers["idempotency-key"] == batch.key == f"longhaul/{batch.public_id}"
    assert headers["x-batch-validation"] == "permissive"
    [mail] = json.loads(body)
    unsubscribe = mail["headers"].pop("List-Unsubscribe")
    assert unsubscribe.startswith("<https://mail.longhaul.test/u/")
    assert mail == {
        "from": "=?utf-8?b?TsOkd3M=?= <news@longhaul.test>",
        "to": ["person0@example.com"],
        "subject": "Hello Person 0",
        "html": mail["html"],
        "text": "News",
        "headers": {"List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        "tags": [{"name": "message", "value": Message.objects.get(stream=stream).public_id}],
        "reply_to": "answers@longhaul.test",
    }
    assert "<p>News</p>" in mail["html"]


def test_the_greater_priority_goes_first(sandbox):
    newsletter = make_stream(sandbox, people=150, title="Newsletter")
    reminder = make_stream(sandbox, people=20, title="Reminder", priority=5)

    deliver()

    first = SendBatch.objects.order_by("id").first()
    held = Message.objects.filter(batch=first).values_list("stream__title", flat=True)
    assert Counter(held) == {"Reminder": 20, "Newsletter": 80}
    assert statuses(newsletter) == {"sent": 150}
    assert statuses(reminder) == {"sent": 20}


def test_a_message_that_cannot_be_rendered_fails_alone(sandbox):
    stream = make_stream(sandbox, people=3)
    poor = Message.objects.filter(stream=stream).order_by("id")[1]
    stream.template_version = make_version(html="{{ contact.attributes.company }}")
    stream.save()
    for message in Message.objects.filter(stream=stream).exclude(pk=poor.pk):
        message.contact.attributes = {"company": "Acme"}
        message.contact.save()

    deliver()

    poor.refresh_from_db()
    assert (poor.status, poor.reason) == ("failed", "template_error")
    assert "contact.attributes.company" in poor.detail
    assert statuses(stream) == {"sent": 2, "failed": 1}
    assert tally(stream).reasons == {"template_error": 1}
    assert SandboxMessage.objects.count() == 2


def test_a_paced_sender_cuts_small_batches_and_spends_its_budget(db):
    sender = make_sender("sandbox", rate_per_second=200)
    stream = make_stream(sender, people=120)

    deliver()

    assert statuses(stream) == {"sent": 120}
    assert list(SendBatch.objects.order_by("id").values_list("count", flat=True)) == [50, 50, 20]
    assert Bucket.objects.filter(key=f"sender:{sender.public_id}").count() == 1


@pytest.mark.parametrize(
    ("rate", "size"), [(None, 100), (1.667, 1), (10, 3), (200, 50), (400, 100), (5000, 100)]
)
def test_a_batch_is_a_quarter_of_a_second_and_at_most_what_providers_take(rate, size):
    assert batch_size(rate) == size


def test_without_budget_nothing_is_held(resend, resend_server):
    resend.rate_per_second = 0.01
    resend.save()
    stream = make_stream(resend, people=3)

    deliver(advance=False)

    assert statuses(stream) == {"sent": 1, "pending": 2}
    assert SendBatch.objects.count() == 1
    assert len(resend_server.accepted) == 1


def test_a_batch_of_a_hundred_costs_few_statements(resend, resend_server):
    make_stream(resend, people=100)
    with CaptureQueriesContext(connection) as hundred:
        deliver()
    make_stream(resend, people=400, title="Summer news")
    with CaptureQueriesContext(connection) as four_hundred:
        deliver()

    savepoints = ("SAVEPOINT", "RELEASE")
    one = sum(not q["sql"].startswith(savepoints) for q in hundred.captured_queries)
    four = sum(not q["sql"].startswith(savepoints) for q in four_hundred.captured_queries)
    assert (four - one) / 3 <= 13
