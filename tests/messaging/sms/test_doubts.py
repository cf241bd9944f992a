"""What is in doubt at Twilio: looked up, decided by the sender's policy, listed; never two for one by default."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from core import clock
from jobs.testing import run_one, run_until_idle
from messaging import doubts
from messaging.actions.consent import withdraw_consent
from messaging.actions.parking import send_again
from messaging.actions.senders import resume_sender
from messaging.channels import Channel
from messaging.history import history_of
from messaging.models import Message, SendBatch
from messaging.providers.twilio import TwilioProvider
from messaging.streams import close_stream, open_stream, tally, write_messages
from tests.messaging.outbox.making import deliver, make_people, make_sender, statuses
from tests.messaging.outbox.making import make_stream as make_mail_stream
from tests.messaging.sms.making import assert_each_sent_once, assert_nobody_got_two, make_stream

pytestmark = pytest.mark.django_db

TAKEN = [["cut"], ["late", 500], ["nonsense"]]
NOT_TAKEN = [["drop"], [500, 20500], [503, 20503]]


def outcomes(batch: SendBatch) -> list[str]:
    return list(batch.attempt_log.values_list("outcome", flat=True))


@pytest.mark.parametrize("fault", TAKEN, ids=str)
def test_what_twilio_has_is_found_and_counts_as_sent(fault, twilio, twilio_server):
    stream = make_stream(twilio, people=3)
    twilio_server.misbehave(script=[fault])

    deliver()

    assert statuses(stream) == {"sent": 3}
    assert_each_sent_once(twilio_server, stream)
    assert twilio_server.account.look_ups == 1
    doubtful = SendBatch.objects.order_by("id").first()
    assert (doubtful.status, outcomes(doubtful)) == ("settled", ["in_doubt", "found"])


def test_its_life_tells_of_one_attempt_and_a_look_up(twilio, twilio_server):
    make_stream(twilio, people=1)
    twilio_server.misbehave(script=[["cut"]])

    deliver()

    told = history_of(Message.objects.get())
    assert [entry.event for entry in told] == [
        "written",
        "cut",
        "attempted",
        "in_doubt",
        "found",
        "accepted",
    ]
    assert told[4].detail == "looked up at the provider"


@pytest.mark.parametrize("fault", NOT_TAKEN, ids=str)
def test_what_twilio_does_not_have_is_never_sent_again_but_listed(fault, twilio, twilio_server):
    stream = make_stream(twilio, people=3)
    twilio_server.misbehave(script=[fault])

    deliver()

    assert statuses(stream) == {"sent": 2, "in_doubt": 1}
    assert twilio_server.account.calls == 3
    message = Message.objects.get(status="in_doubt")
    assert (message.reason, message.detail) == (
        "unanswered",
        "No answer came, and the provider does not list it.",
    )
    parked = SendBatch.objects.get(status="parked")
    assert parked.count == 1
    assert tally(stream).in_doubt == 1


def test_the_others_do_not_wait_for_a_doubt(twilio, twilio_server):
    stream = make_stream(twilio, people=4)
    twilio_server.misbehave(script=[["cut"]])
    before = clock.now()

    for _ in range(3):
        run_one()
        with clock.travel(by=timedelta(seconds=2)):
            run_until_idle()

    assert statuses(stream) == {"sending": 1, "sent": 3}
    assert clock.now() - before < timedelta(minutes=1)


def test_with_three_doubts_a_lane_begins_no_more_until_they_are_resolved(twilio, twilio_server):
    make_stream(twilio, people=10)
    twilio_server.misbehave(error_rate=1.0, look_ups=[[503, 20503]] * 3)

    with clock.travel(by=timedelta(seconds=30)):
        for _ in range(20):
            run_until_idle()

    assert twilio_server.account.calls <= 3


def test_a_message_that_is_listed_late_is_found_by_a_later_look(twilio, twilio_server):
    stream = make_stream(twilio, people=1)
    twilio_server.misbehave(script=[["cut"]], hidden_seconds=50)

    run_one()
    with clock.travel(by=timedelta(seconds=15)):
        run_until_idle()
        assert statuses(stream) == {"sending": 1}
    twilio_server.account.advance(60)
    with clock.travel(by=timedelta(seconds=61)):
        run_until_idle()

    assert statuses(stream) == {"sent": 1}
    assert twilio_server.account.look_ups == 2
    assert_each_sent_once(twilio_server, stream)


def test_nothing_is_decided_before_the_time_is_up(twilio, twilio_server, settings):
    settings.DOUBT_SECONDS = 600
    stream = make_stream(twilio, people=1)
    twilio_server.misbehave(script=[["drop"]])

    run_one()
    for seconds in (11, 201, 590):
        with clock.travel(by=timedelta(seconds=seconds)):
            run_until_idle()
            assert statuses(stream) == {"sending": 1}
    with clock.travel(by=timedelta(seconds=601)):
        run_until_idle()

    assert statuses(stream) == {"in_doubt": 1}


# --- at least once -------------------------------------------------------------------------------


@pytest.fixture
def insistent(twilio):
    """A sender that rather sends twice than not at all."""
    twilio.in_doubt_policy = "at_least_once"
    twilio.save()
    return twilio


@pytest.mark.parametrize("fault", TAKEN, ids=str)
def test_at_least_once_still_looks_first(fault, insistent, twilio_server):
    stream = make_stream(insistent, people=2)
    twilio_server.misbehave(script=[fault])

    deliver()

    assert_each_sent_once(twilio_server, stream)


@pytest.mark.parametrize("fault", NOT_TAKEN, ids=str)
def test_at_least_once_sends_once_more_what_is_not_found(fault, insistent, twilio_server):
    stream = make_stream(insistent, people=2)
    twilio_server.misbehave(script=[fault])

    deliver()

    assert statuses(stream) == {"sent": 2}
    assert_each_sent_once(twilio_server, stream)
    assert sorted(taken.attempt for taken in twilio_server.taken) == ["1", "2"]


def test_at_least_once_sends_no_third_time(insistent, twilio_server):
    stream = make_stream(insistent, people=1)
    twilio_server.misbehave(error_rate=1.0)

    deliver()

    assert twilio_server.account.calls == 2
    assert statuses(stream) == {"in_doubt": 1}


def test_at_least_once_makes_at_most_one_duplicate(insistent, twilio_server):
    make_stream(insistent, people=1)
    twilio_server.misbehave(cut_rate=1.0, hidden_seconds=86_400)

    deliver()

    assert len(twilio_server.taken) == 2


def test_nobody_who_withdrew_meanwhile_is_written_to_again(insistent, twilio_server):
    stream = make_stream(insistent, people=1)
    twilio_server.misbehave(script=[["drop"]])
    run_one()
    contact = Message.objects.get().contact
    withdraw_consent(contact, Channel.SMS, source="telephone", actor="staff:alice")

    deliver()

    assert twilio_server.account.calls == 1
    assert statuses(stream) == {"in_doubt": 1}


def test_a_closed_stream_sends_nothing_again(insistent, twilio_server):
    stream = make_stream(insistent, people=1)
    twilio_server.misbehave(script=[["drop"]])
    run_one()
    close_stream(stream)

    deliver()

    assert twilio_server.account.calls == 1
    assert statuses(stream) == {"in_doubt": 1}


# --- when even the look-up fails -----------------------------------------------------------------


def test_a_failed_look_up_is_asked_again(twilio, twilio_server):
    stream = make_stream(twilio, people=1)
    twilio_server.misbehave(script=[["cut"]], look_ups=[[500, 20500], ["drop"], [429, 20429]])

    deliver()

    assert statuses(stream) == {"sent": 1}
    assert twilio_server.account.look_ups == 4


def test_after_an_hour_without_a_look_up_a_person_is_asked(insistent, twilio_server):
    stream = make_stream(insistent, people=1)
    twilio_server.misbehave(script=[["cut"]], look_ups=[[500, 20500]] * 100)

    deliver()

    assert statuses(stream) == {"in_doubt": 1}
    assert "could not be asked for an hour" in Message.objects.get().detail
    assert len(twilio_server.taken) == 1


def test_a_look_up_that_is_refused_holds_the_sender_and_goes_on_when_it_is_mended(
    twilio, twilio_server, settings
):
    stream = make_stream(twilio, people=1)
    twilio_server.misbehave(script=[["cut"]])
    run_one()
    settings.TWILIO_AUTH_TOKEN = "revoked"
    deliver()
    twilio.refresh_from_db()
    assert (twilio.status, statuses(stream)) == ("paused", {"sending": 1})

    settings.TWILIO_AUTH_TOKEN = twilio_server.account.token
    resume_sender(twilio, actor="staff:alice")
    make_stream(twilio, people=1, title="More")
    deliver()

    assert statuses(stream) == {"sent": 1}
    assert_nobody_got_two(twilio_server)


def test_a_doubt_of_an_account_that_stays_closed_is_put_before_a_person(
    twilio, twilio_server, settings
):
    stream = make_stream(twilio, people=1)
    twilio_server.misbehave(script=[["cut"]])
    run_one()
    settings.TWILIO_AUTH_TOKEN = "revoked"
    deliver()

    with clock.travel(by=timedelta(hours=2)):
        resume_sender(twilio, actor="staff:alice")
        deliver()

    assert statuses(stream) == {"in_doubt": 1}
    assert SendBatch.objects.get().status == "parked"
    twilio.refresh_from_db()
    assert twilio.status == "paused"
    assert len(twilio_server.taken) == 1


def test_a_sender_whose_messages_all_stay_in_doubt_is_held(twilio, twilio_server):
    stream = make_stream(twilio, people=20)
    twilio_server.misbehave(error_rate=1.0)

    deliver()

    twilio.refresh_from_db()
    assert twilio.status == "paused"
    assert twilio.paused_reason == "Its last 5 messages all stayed without an answer."
    assert Message.objects.filter(status="in_doubt").count() == 5
    assert twilio_server.account.calls <= 8
    assert statuses(stream)["pending"] >= 12


# --- equal texts ---------------------------------------------------------------------------------


def test_an_equal_text_that_went_out_before_is_not_taken_for_this_one(twilio, twilio_server):
    make_stream(twilio, people=1, text="Your code is on its way")
    deliver()
    people = list(Message.objects.get().contact.lists.all())
    version = Message.objects.get().stream.template_version
    again = open_stream("Again", sender=twilio, template_version=version)
    write_messages(again, lists=people, joined_before=clock.now())
    twilio_server.misbehave(script=[["drop"]])

    deliver()

    assert statuses(again) == {"in_doubt": 1}


# --- a callback proves it ------------------------------------------------------------------------


def doubtful(twilio, twilio_server, *, until: int) -> Message:
    make_stream(twilio, people=1)
    twilio_server.misbehave(script=[["drop"]])
    run_one()
    with clock.travel(by=timedelta(seconds=until)):
        run_until_idle(advance=until > 180)
    return Message.objects.get()


@pytest.mark.parametrize(("until", "status"), [(0, "sending"), (600, "in_doubt")])
def test_a_callback_resolves_a_doubt(until, status, twilio, twilio_server):
    message = doubtful(twilio, twilio_server, until=until)
    assert message.status == status

    assert doubts.adopt(message, provider_id="SM1") is True
    assert doubts.adopt(message, provider_id="SM1") is False
    deliver()

    message.refresh_from_db()
    assert (message.status, message.provider_id, message.reason) == ("sent", "SM1", "")
    assert SendBatch.objects.get().status == "settled"
    assert twilio_server.account.calls == 1


def test_a_callback_that_overtakes_the_answer_disturbs_nobody(twilio, twilio_server, monkeypatch):
    stream = make_stream(twilio, people=2)
    send = TwilioProvider.send_batch

    def overtaken(self, payload, *, key, attempt=1):
        answer = send(self, payload, key=key, attempt=attempt)
        message = Message.objects.get(status="sending")
        assert doubts.adopt(message, provider_id=answer.accepted[0])
        return answer

    monkeypatch.setattr(TwilioProvider, "send_batch", overtaken)
    deliver()

    assert statuses(stream) == {"sent": 2}
    assert_each_sent_once(twilio_server, stream)
    assert set(SendBatch.objects.values_list("status", flat=True)) == {"settled"}


def test_a_late_callback_stops_what_a_person_had_ordered_again(twilio, twilio_server):
    message = doubtful(twilio, twilio_server, until=600)
    send_again(SendBatch.objects.get(), actor="staff:alice")

    assert doubts.adopt(message, provider_id="SM1") is True
    deliver()

    message.refresh_from_db()
    assert (message.status, message.provider_id) == ("sent", "SM1")
    assert twilio_server.account.calls == 1


def test_what_failed_for_certain_is_not_adopted(twilio, twilio_server):
    make_stream(twilio, people=1)
    twilio_server.misbehave(script=[[400, 21211]])
    deliver()

    assert doubts.adopt(Message.objects.get(), provider_id="SM1") is False
    assert Message.objects.get().status == "failed"


def test_an_email_on_its_way_is_left_to_its_lane(db, resend_server):
    make_people(1)
    sender = make_sender("resend")
    stream = make_mail_stream(sender, people=2)
    resend_server.misbehave(script=[["cut"]])
    run_one()
    assert statuses(stream) == {"sending": 2}

    assert doubts.adopt(Message.objects.first(), provider_id="x") is False
    deliver()
    assert statuses(stream) == {"sent": 2}


def test_parked_emails_are_adopted_one_by_one(db, resend_server):
    stream = make_mail_stream(make_sender("resend"), people=2)
    resend_server.misbehave(script=[["cut"]])
    run_one()
    with clock.travel(by=timedelta(hours=23)):
        resend_server.account.advance(23 * 3600)
        deliver()
    first, second = Message.objects.filter(stream=stream).order_by("id")

    assert doubts.adopt(first, provider_id="r1") is True
    assert SendBatch.objects.get().status == "parked"
    assert doubts.adopt(second, provider_id="r2") is True
    assert SendBatch.objects.get().status == "settled"
    assert statuses(stream) == {"sent": 2}


# --- a person decides ----------------------------------------------------------------------------


def press(browser, button: str):
    batch = SendBatch.objects.get()
    place = reverse(f"admin:messaging_sendbatch_{button}", args=[batch.pk])
    return browser.post(place, follow=True)


def parked(twilio, twilio_server) -> Message:
    """A message that Twilio took, and listed too late."""
    make_stream(twilio, people=1)
    twilio_server.misbehave(script=[["cut"]], hidden_seconds=3_600)
    deliver()
    message = Message.objects.get()
    assert message.status == "in_doubt"
    return message


def test_a_person_has_it_looked_up_again(twilio, twilio_server, oscar, client_of):
    message = parked(twilio, twilio_server)
    browser = client_of(oscar)
    assert b"does not list it" in press(browser, "look_up").content
    twilio_server.misbehave(hidden_seconds=0.0)

    assert b"counts as sent" in press(browser, "look_up").content

    message.refresh_from_db()
    assert (message.status, message.provider_id) == ("sent", twilio_server.taken[0].sid)
    assert SendBatch.objects.get().status == "settled"


def test_a_look_up_that_fails_changes_nothing_and_says_so(twilio, twilio_server, oscar, client_of):
    message = parked(twilio, twilio_server)
    twilio_server.misbehave(look_ups=[[503, 20503]])

    assert b"could not be asked" in press(client_of(oscar), "look_up").content
    message.refresh_from_db()
    assert message.status == "in_doubt"


@pytest.mark.parametrize("button", ["look_up", "mark_as_sent", "send_again"])
def test_a_viewer_decides_nothing(button, twilio, twilio_server, bob, client_of):
    parked(twilio, twilio_server)
    looked = twilio_server.account.look_ups

    assert press(client_of(bob), button).status_code == 403
    assert twilio_server.account.look_ups == looked
    assert statuses(Message.objects.get().stream) == {"in_doubt": 1}
