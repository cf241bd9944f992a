"""What Twilio should have told and has not is asked, politely, and applied as if it had told it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from jobs import schedules
from jobs.models import Run
from jobs.starting import start_run
from jobs.testing import run_until_idle
from messaging import asking
from messaging.actions.erasing import erase_contact
from messaging.models import Enquiry, Message, ProviderEvent, SendBatch, StreamHour
from messaging.webhooks import reader
from tests.fakes.webhooks import PUBLIC_URL, TOKEN, signed_by_twilio, status_callback
from tests.messaging.outbox.making import deliver, make_sender
from tests.messaging.outbox.making import make_stream as make_mail_stream
from tests.messaging.sms.making import make_stream

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1, minutes=1)


@pytest.fixture
def message(twilio, twilio_server) -> Message:
    """An SMS that Twilio took."""
    make_stream(twilio, people=1)
    deliver()
    return Message.objects.get()


def ask() -> None:
    """Let the watch look once, and the reader read what it kept."""
    start_run("messaging.enquire")
    deliver()


def lives() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("id").values_list("delivery", "trouble"))


def test_a_message_of_which_nothing_was_heard_for_an_hour_is_asked_about(message, twilio_server):
    twilio_server.account.bring(message.provider_id, "delivered")
    happened = clock.now()

    with clock.travel(by=timedelta(minutes=59)):
        ask()
    assert (twilio_server.account.questions, lives()) == (0, [("", "")])

    with clock.travel(by=HOUR):
        ask()

    message.refresh_from_db()
    assert twilio_server.account.questions == 1
    assert message.delivery == "delivered"
    assert abs(message.delivered_at - happened) < timedelta(seconds=2)
    hour = StreamHour.objects.get(stage="delivered")
    assert hour.count == 1
    event = ProviderEvent.objects.get()
    assert (event.kind, event.message) == ("status.delivered", message)


def test_the_watch_wakes_by_itself(message, twilio_server):
    twilio_server.account.bring(message.provider_id, "delivered")
    schedules.install_schedules()

    with clock.travel(by=HOUR):
        run_until_idle(cron=True)
        deliver()

    assert lives() == [("delivered", "")]


def test_a_failure_is_heard_of_with_its_code(message, twilio_server):
    twilio_server.account.bring(message.provider_id, "undelivered", error=30003)

    with clock.travel(by=HOUR):
        ask()

    assert lives() == [("", "failed: 30003, the telephone cannot be reached")]


def test_a_code_that_blocks_the_sender_holds_it(message, twilio, twilio_server):
    twilio_server.account.bring(message.provider_id, "failed", error=30034)

    with clock.travel(by=HOUR):
        ask()

    twilio.refresh_from_db()
    assert twilio.paused_reason == "30034: the number is not registered for A2P 10DLC"


def test_who_has_told_is_not_asked(message, twilio_server):
    Message.objects.update(delivery="delivered", delivered_at=clock.now())

    with clock.travel(by=HOUR):
        ask()

    assert (twilio_server.account.questions, Enquiry.objects.count()) == (0, 0)


def test_it_is_asked_again_less_and_less_often_and_then_no_more(message, twilio_server):
    account = twilio_server.account
    account.bring(message.provider_id, "sent")
    asked = []
    for hours in (1, 2, 3, 4, 12, 13, 36, 37, 100):
        with clock.travel(by=timedelta(hours=hours, minutes=1)):
            ask()
        asked.append(account.questions)

    assert asked == [1, 1, 2, 2, 3, 3, 4, 4, 4]
    assert Enquiry.objects.count() == 0
    assert lives() == [("sent", "")]
    assert ProviderEvent.objects.count() == 1


def test_after_a_long_outage_of_ours_it_is_asked_once(message, twilio_server):
    twilio_server.account.bring(message.provider_id, "sent")

    with clock.travel(by=timedelta(days=3)):
        ask()

    assert (twilio_server.account.questions, Enquiry.objects.count()) == (1, 0)


def test_what_twilio_does_not_have_any_more_is_not_asked_about_again(message, twilio_server):
    Message.objects.update(provider_id="SM" + "f" * 32)

    with clock.travel(by=HOUR):
        ask()

    assert (twilio_server.account.questions, Enquiry.objects.count()) == (1, 0)
    assert ProviderEvent.objects.count() == 0


def test_many_questions_are_asked_ten_at_a_time_with_rests(twilio, twilio_server, monkeypatch):
    make_stream(twilio, people=25)
    deliver()
    rests = []
    monkeypatch.setattr(asking, "REST_SECONDS", 3.0)
    snooze = asking.RunContext.snooze
    monkeypatch.setattr(
        asking.RunContext, "snooze", lambda run, wait=0: (rests.append(wait), snooze(run, wait))
    )
    monkeypatch.setattr(reader, "wake", lambda: False)

    with clock.travel(by=HOUR):
        ask()

    assert (twilio_server.account.questions, rests) == (25, [3.0, 3.0])


def test_a_rate_limit_is_waited_for(message, twilio_server):
    twilio_server.account.bring(message.provider_id, "delivered")
    twilio_server.misbehave(questions=[[429, 20429, {"retry_after": "7"}]])

    with clock.travel(to=clock.now() + HOUR):
        start_run("messaging.enquire")
        run_until_idle()
        run = Run.objects.get(workflow="messaging.enquire")
        assert run.due_at == clock.now() + timedelta(seconds=7)
        deliver()

    assert lives() == [("delivered", "")]


def test_where_the_provider_answers_nothing_it_is_left_alone(twilio, twilio_server):
    make_stream(twilio, people=5)
    deliver()
    twilio_server.misbehave(questions=[[503, 20503]] * 3)

    with clock.travel(by=HOUR):
        ask()
        assert twilio_server.account.questions == 3
        ask()
        assert twilio_server.account.questions == 5
    with clock.travel(by=HOUR + timedelta(minutes=11)):
        ask()

    assert twilio_server.account.questions == 8
    assert ProviderEvent.objects.count() == 5


def test_a_callback_that_comes_after_all_is_the_same_event(message, twilio_server, settings):
    twilio_server.account.bring(message.provider_id, "delivered")
    with clock.travel(by=HOUR):
        ask()
    settings.PUBLIC_URL, settings.TWILIO_AUTH_TOKEN = PUBLIC_URL, TOKEN
    path = f"/webhooks/twilio/status?m={message.public_id}&a=1"
    late = status_callback("delivered", sid=message.provider_id, To=message.address)

    assert signed_by_twilio(path, late).send().status_code == 204
    deliver()

    assert ProviderEvent.objects.count() == 1
    assert StreamHour.objects.get(stage="delivered").count == 1


def test_what_was_found_by_a_look_up_is_asked_about_too(twilio, twilio_server):
    make_stream(twilio, people=1)
    twilio_server.misbehave(script=[["cut"]])
    deliver()
    found = Message.objects.get()
    assert SendBatch.objects.get().attempt_log.filter(outcome="found").exists()

    twilio_server.account.bring(found.provider_id, "delivered")
    with clock.travel(by=timedelta(hours=2)):
        ask()

    assert lives() == [("delivered", "")]


def test_the_sandbox_and_email_are_never_asked(sandbox, resend_server):
    make_stream(sandbox, people=1)
    make_mail_stream(make_sender("resend"), people=1)
    deliver()

    assert Enquiry.objects.count() == 0


def test_an_erased_persons_number_does_not_come_back_by_asking(message, twilio_server):
    twilio_server.account.bring(message.provider_id, "delivered")
    number = message.address
    erase_contact(message.contact, actor="staff:alice")
    deliver()

    with clock.travel(by=timedelta(hours=2)):
        ask()

    assert number not in repr(list(ProviderEvent.objects.values_list()))
    assert lives() == [("delivered", "")]
