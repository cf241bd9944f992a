"""What staff see of the outbox, and the few things they may do to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from core import clock
from jobs.testing import run_one
from messaging.models import Message, SandboxMessage, SendBatch
from tests.messaging.outbox.making import deliver, make_stream, make_version, statuses

pytestmark = pytest.mark.django_db


def page(model: str, obj=None, button: str = "") -> str:
    if obj is None:
        return reverse(f"admin:messaging_{model}_changelist")
    return reverse(f"admin:messaging_{model}_{button or 'change'}", args=[obj.pk])


@pytest.fixture
def parked(resend, resend_server):
    make_stream(resend, people=2)
    resend_server.misbehave(script=[["cut"]])
    run_one()
    with clock.travel(by=timedelta(hours=24)):
        deliver()
    return SendBatch.objects.parked().get()


def test_an_operator_pauses_a_sender_with_a_reason_and_resumes_it(oscar, client_of, sandbox):
    browser = client_of(oscar)

    browser.post(page("sender", sandbox, "pause"), {"reason": "wrong logo"})
    sandbox.refresh_from_db()
    assert (sandbox.status, sandbox.paused_reason) == ("paused", "wrong logo")

    browser.post(page("sender", sandbox, "resume"))
    sandbox.refresh_from_db()
    assert (sandbox.status, sandbox.paused_reason) == ("active", "")


def test_pausing_without_a_reason_asks_again(oscar, client_of, sandbox):
    answer = client_of(oscar).post(page("sender", sandbox, "pause"), {"reason": ""})

    assert answer.status_code == 200
    sandbox.refresh_from_db()
    assert sandbox.status == "active"


def test_a_viewer_may_look_and_not_pause(bob, client_of, sandbox):
    browser = client_of(bob)

    assert browser.get(page("sender", sandbox)).status_code == 200
    assert browser.post(page("sender", sandbox, "pause"), {"reason": "x"}).status_code == 403
    sandbox.refresh_from_db()
    assert sandbox.status == "active"


def test_looking_at_a_button_changes_nothing(oscar, client_of, parked):
    answer = client_of(oscar).get(page("sendbatch", parked, "send_again"))

    assert "whoever did get theirs will get it twice" in answer.content.decode()
    assert SendBatch.objects.get().status == "parked"


def test_an_operator_decides_that_a_parked_batch_was_sent(oscar, client_of, parked):
    browser = client_of(oscar)
    assert "23 hours" in browser.get(page("sendbatch", parked)).content.decode()

    answer = browser.post(page("sendbatch", parked, "mark_as_sent"), follow=True)

    assert "Marked as sent: 2 messages." in answer.content.decode()
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}


def test_an_operator_sends_a_parked_batch_again(oscar, client_of, parked, resend_server):
    answer = client_of(oscar).post(page("sendbatch", parked, "send_again"), follow=True)

    assert "Sent again: 2 messages." in answer.content.decode()
    assert set(Message.objects.values_list("status", flat=True)) == {"pending"}


def test_a_viewer_decides_nothing(bob, client_of, parked):
    browser = client_of(bob)

    for button in ("mark_as_sent", "send_again"):
        assert browser.post(page("sendbatch", parked, button)).status_code == 403
    assert SendBatch.objects.get().status == "parked"


def test_parked_batches_stand_first(oscar, client_of, parked, resend):
    make_stream(resend, people=1, title="Later news")
    deliver()

    listed = client_of(oscar).get(page("sendbatch")).context["cl"].result_list
    assert [batch.status for batch in listed] == ["parked", "settled"]


@pytest.mark.parametrize("term", ["address", "public_id", "provider_id"])
def test_a_message_is_found_by_what_people_have_in_hand(term, oscar, client_of, sandbox):
    stream = make_stream(sandbox, people=3)
    deliver()
    wanted = Message.objects.filter(stream=stream).order_by("id")[1]

    answer = client_of(oscar).get(page("message"), {"q": getattr(wanted, term)})

    assert list(answer.context["cl"].result_list) == [wanted]


def test_messages_are_read_only_and_filtered_by_batch(oscar, client_of, sandbox):
    stream = make_stream(sandbox, people=2)
    deliver()
    browser = client_of(oscar)
    message = Message.objects.first()

    assert browser.get(page("message", message)).status_code == 200
    assert browser.post(page("message", message), {"status": "pending"}).status_code == 403
    listed = browser.get(page("message"), {"batch": message.batch_id}).context["cl"].result_list
    assert len(listed) == 2
    assert statuses(stream) == {"sent": 2}


def test_a_sandbox_message_is_shown_in_a_frame_that_can_do_nothing(oscar, client_of, sandbox):
    stream = make_stream(sandbox, people=1)
    stream.template_version = make_version(html='<p title="x">Hi</p><script>alert(1)</script>')
    stream.save()
    deliver()
    message = SandboxMessage.objects.get()
    assert "<script>" in message.html

    shown = client_of(oscar).get(page("sandboxmessage", message)).content.decode()

    assert '<iframe sandbox=""' in shown
    assert "<script>alert(1)</script>" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
