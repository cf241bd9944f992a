"""Staff get one mail when a sender is paused by its provider; nothing is mailed inside a transaction."""

from __future__ import annotations

import pytest
from django.core import mail

from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.actions.senders import hold_sender, pause_sender, resume_sender
from tests.messaging.outbox.making import deliver, make_sender, make_stream

pytestmark = pytest.mark.django_db

STAFF = ["alice@longhaul.test", "oscar@longhaul.test"]
REASON = "daily_quota_exceeded: You have reached your daily quota."


@pytest.fixture(autouse=True)
def staff_have_addresses(settings):
    settings.ALERT_EMAILS = STAFF
    settings.ALERT_FROM = "longhaul@longhaul.test"
    settings.PUBLIC_URL = "https://longhaul.test"


def test_a_used_up_quota_is_told_to_staff_with_the_reason_and_where_to_go(resend, resend_server):
    resend_server.misbehave(script=[[429, "daily_quota_exceeded"]])
    make_stream(resend, people=3)

    deliver()

    [told] = mail.outbox
    assert (told.to, told.from_email) == (STAFF, "longhaul@longhaul.test")
    assert told.subject == "[Longhaul] The sender “News by resend” is paused"
    assert "daily_quota_exceeded: daily quota exceeded" in told.body
    assert f"https://longhaul.test/admin/messaging/sender/{resend.pk}/change/" in told.body
    assert "person0@example.com" not in told.body


def test_the_mail_is_a_run_of_its_own_and_several_lanes_cause_one(sandbox):
    hold_sender(sandbox, reason=REASON)
    hold_sender(sandbox, reason=REASON)

    assert mail.outbox == []
    assert Run.objects.get(workflow="messaging.alert").status == "ready"
    run_until_idle()
    assert len(mail.outbox) == 1


def test_an_alert_goes_ahead_of_what_waits(sandbox):
    make_stream(sandbox, people=1)
    hold_sender(sandbox, reason=REASON)

    first = Run.objects.filter(status="ready").order_by("sort_at").first()
    assert first.workflow == "messaging.alert"


def test_a_mail_server_that_is_away_is_asked_again(sandbox, monkeypatch):
    hold_sender(sandbox, reason=REASON)
    answers = [ConnectionRefusedError("no mail server")]
    send = mail.get_connection().send_messages

    def moody(self, messages):
        if answers:
            raise answers.pop()
        return send(messages)

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", moody)
    run_until_idle(advance=True)

    assert len(mail.outbox) == 1
    assert Run.objects.get(workflow="messaging.alert").status == "completed"


def test_a_sender_paused_again_is_told_again(sandbox):
    hold_sender(sandbox, reason=REASON)
    resume_sender(sandbox, actor="staff:alice")
    hold_sender(sandbox, reason=REASON)
    run_until_idle()

    assert len(mail.outbox) == 2


def test_what_a_person_pauses_and_a_house_without_addresses_get_no_mail(sandbox, settings):
    pause_sender(sandbox, reason="wrong logo", actor="staff:alice")
    settings.ALERT_EMAILS = []
    hold_sender(make_sender("resend"), reason=REASON)
    run_until_idle()

    assert mail.outbox == []
    assert not Run.objects.filter(workflow="messaging.alert").exists()


def test_the_log_names_a_paused_sender_once_it_is_committed(
    sandbox, caplog, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        hold_sender(sandbox, reason=REASON)
        assert caplog.messages == []

    assert caplog.messages == ["alert: The sender “News by sandbox” is paused"]
