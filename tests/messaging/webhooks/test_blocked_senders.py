"""A status callback that says that nothing of a sender can go out holds it, as the same answer to a call would."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail

from core import clock
from jobs.testing import run_until_idle
from messaging.actions.senders import pause_sender, resume_sender
from messaging.models import Message, ProviderEvent, Sender
from messaging.providers import twilio_codes
from tests.fakes.webhooks import signed_by_twilio, status_callback
from tests.messaging.webhooks.conftest import NUMBER


@pytest.fixture(autouse=True)
def staff_have_addresses(settings: Any) -> None:
    settings.ALERT_EMAILS = ["alice@longhaul.test"]


def hear(message: Message, error: str, *, status: str = "undelivered", to: str = NUMBER) -> None:
    """Let Twilio tell that a message was given up, and the reader read."""
    path = f"/webhooks/twilio/status?m={message.public_id}&a=1"
    sid = f"SM{ProviderEvent.objects.count():032x}"
    posted = signed_by_twilio(path, status_callback(status, sid=sid, ErrorCode=error, To=to))
    assert posted.send().status_code == 204
    run_until_idle(advance=True)
    assert not ProviderEvent.objects.unapplied().exists()


def sender_of(message: Message) -> Sender:
    return Sender.objects.get(pk=message.stream.sender_id)


@pytest.mark.parametrize("code", sorted(twilio_codes.BLOCKING))
def test_each_code_that_blocks_a_call_holds_the_sender_here_too(
    code: int, sms_message: Message
) -> None:
    hear(sms_message, str(code))

    sender = sender_of(sms_message)
    assert sender.status == "paused"
    assert sender.paused_reason == f"{code}: {twilio_codes.BLOCKING[code]}"


def test_staff_are_told_once_however_many_messages_say_so(sms_message: Message) -> None:
    for status in ("undelivered", "failed"):
        hear(sms_message, "30034", status=status)

    [told] = mail.outbox
    assert told.subject == "[Longhaul] The sender “News by twilio” is paused"
    assert "30034: the number is not registered for A2P 10DLC" in told.body
    assert NUMBER not in told.body
    sms_message.refresh_from_db()
    assert sms_message.trouble == "failed: 30034, the number is not registered for A2P 10DLC"


@pytest.mark.parametrize("code", ["30003", "30005", "30007", "21610", "", "x", "٣٠٠٣٤"])
def test_what_is_wrong_with_one_message_holds_nobody(code: str, sms_message: Message) -> None:
    hear(sms_message, code)

    assert sender_of(sms_message).status == "active"
    assert mail.outbox == []


def test_a_status_that_is_no_failure_holds_nobody(sms_message: Message) -> None:
    hear(sms_message, "30034", status="sent")

    assert sender_of(sms_message).status == "active"


def test_a_message_to_somebody_else_holds_nobody(sms_message: Message) -> None:
    hear(sms_message, "30034", to="+27825559999")

    assert sender_of(sms_message).status == "active"


def test_old_news_does_not_stop_what_a_person_has_mended_and_resumed(sms_message: Message) -> None:
    sender = sender_of(sms_message)
    pause_sender(sender, reason="not registered", actor="staff:alice")
    with clock.travel(by=timedelta(minutes=1)):
        resume_sender(sender, actor="staff:alice")
        hear(sms_message, "30034")
        assert sender_of(sms_message).status == "active"

        Message.objects.filter(pk=sms_message.pk).update(
            settled_at=clock.now() + timedelta(minutes=1)
        )
        hear(sms_message, "30034")

    assert sender_of(sms_message).status == "paused"
