"""E-mail through a mail server: the honest, weaker promise. Only a server's own answer makes anything sure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from config.settings import mail_server
from core import clock
from core.errors import Refused
from jobs.testing import run_one, run_until_idle
from messaging.delivery import LOOK_SECONDS
from messaging.models import Message, SendBatch, Sender
from messaging.providers.registry import check_ready
from messaging.providers.smtp import SmtpProvider
from tests.fakes.smtp_server import SmtpServer
from tests.messaging.outbox.making import deliver, make_sender, make_stream, statuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def smtp_server(settings) -> Iterator[SmtpServer]:
    """A mail server on loopback, with the settings pointing at it."""
    with SmtpServer() as server:
        settings.SMTP_BACKEND, settings.SMTP_OPTIONS = mail_server(
            f"smtp://127.0.0.1:{server.port}"
        )
        yield server


@pytest.fixture
def smtp(db: None, smtp_server: SmtpServer) -> Sender:
    return make_sender("smtp", from_name="Longhaul", reply_to="answers@longhaul.test")


def test_everybody_gets_one_mail_each(smtp, smtp_server):
    stream = make_stream(smtp, people=3)

    deliver()

    assert statuses(stream) == {"sent": 3}
    assert sorted(m["To"] for m in smtp_server.taken) == [
        "person0@example.com",
        "person1@example.com",
        "person2@example.com",
    ]
    ours = Message.objects.values_list("address", "provider_id")
    assert sorted(ours) == sorted((m["To"], m["Message-ID"]) for m in smtp_server.taken)


def test_a_mail_has_all_its_parts(smtp, smtp_server):
    make_stream(smtp, people=1)

    deliver()

    [taken] = smtp_server.taken
    message = Message.objects.get()
    assert taken["From"] == "Longhaul <news@longhaul.test>"
    assert taken["Subject"] == "Hello Person 0"
    assert taken["Reply-To"] == "answers@longhaul.test"
    assert taken["Message-ID"] == f"<{message.public_id}@longhaul.test>"
    assert taken["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert taken.get_body(("plain",)).get_content().strip() == "News"
    assert "<p>News</p>" in taken.get_body(("html",)).get_content()


@pytest.mark.parametrize(
    ("faults", "taken"),
    [
        ({"END": "cut"}, 1),
        ({"DATA": "cut"}, 0),
        ({"RCPT": "cut"}, 0),
        ({"EHLO": "cut"}, 0),
    ],
)
def test_a_line_that_breaks_leaves_a_doubt_for_a_person(faults, taken, smtp, smtp_server):
    stream = make_stream(smtp, people=1)
    smtp_server.faults = faults

    deliver()

    assert len(smtp_server.taken) == taken
    assert statuses(stream) == {"in_doubt": 1}
    assert Message.objects.get().reason == "unanswered"
    assert SendBatch.objects.get().status == "parked"


def test_at_least_once_sends_once_more_under_the_same_message_id(smtp, smtp_server):
    Sender.objects.update(in_doubt_policy="at_least_once")
    stream = make_stream(smtp, people=1)
    smtp_server.faults = {"END": "cut"}
    run_one()
    smtp_server.faults = {}

    deliver()

    first, second = smtp_server.taken
    assert first["Message-ID"] == second["Message-ID"]
    assert statuses(stream) == {"sent": 1}


@pytest.mark.parametrize(
    ("faults", "reason"),
    [
        ({"RCPT": "550 No such user"}, "550"),
        ({"END": "554 Refused for what it says"}, "554"),
    ],
)
def test_what_the_server_refuses_for_good_has_failed(faults, reason, smtp, smtp_server):
    stream = make_stream(smtp, people=1)
    smtp_server.faults = faults

    deliver()

    assert statuses(stream) == {"failed": 1}
    assert Message.objects.get().reason == reason
    assert smtp_server.taken == []


def test_a_deferred_mail_is_tried_again_later_and_others_go_on(smtp, smtp_server):
    stream = make_stream(smtp, people=1)
    smtp_server.faults = {"RCPT": "451 Greylisted"}
    run_one()
    smtp_server.faults = {}
    other = make_stream(smtp, people=2, title="Others")
    with clock.travel(by=timedelta(seconds=LOOK_SECONDS + 1)):
        run_until_idle()
    assert (statuses(stream), statuses(other)) == ({"sending": 1}, {"sent": 2})

    with clock.travel(by=timedelta(seconds=61)):
        run_until_idle()

    assert statuses(stream) == {"sent": 1}


def test_what_is_always_deferred_fails_in_the_end(smtp, smtp_server):
    stream = make_stream(smtp, people=1)
    smtp_server.faults = {"RCPT": "451 Greylisted"}

    deliver()

    assert statuses(stream) == {"failed": 1}
    log = SendBatch.objects.get().attempt_log.values_list("outcome", flat=True)
    assert list(log) == ["deferred"] * 5


@pytest.mark.parametrize(
    "faults",
    [{"MAIL": "550 This sender may not"}, {"AUTH": "535 Wrong password"}],
)
def test_a_refused_sender_is_held_and_loses_nothing(faults, smtp, smtp_server, settings):
    settings.SMTP_OPTIONS = {**settings.SMTP_OPTIONS, "username": "u", "password": "p"}
    stream = make_stream(smtp, people=2)
    smtp_server.faults = {"AUTH": "235 Welcome", **faults}

    deliver()

    smtp.refresh_from_db()
    assert smtp.status == "paused"
    assert statuses(stream) == {"sending": 1, "pending": 1}
    assert SendBatch.objects.get().status == "frozen"


def test_a_server_that_is_busy_is_waited_for(smtp, smtp_server):
    stream = make_stream(smtp, people=1)
    smtp_server.faults = {"greeting": "421 Too busy"}
    run_one()
    batch = SendBatch.objects.get()
    assert (batch.status, batch.attempts) == ("frozen", 0)
    smtp_server.faults = {}

    deliver()

    assert statuses(stream) == {"sent": 1}
    assert len(smtp_server.taken) == 1


def test_any_django_backend_will_do(smtp, settings):
    settings.SMTP_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.SMTP_OPTIONS = {}
    stream = make_stream(smtp, people=2)

    deliver()

    assert statuses(stream) == {"sent": 2}
    assert len(mail.outbox) == 2


class ForeignBackend(BaseEmailBackend):
    """A backend of somebody else, whose errors are nobody's but its own."""

    fails_at = "send"
    taken = 0

    def open(self) -> None:
        if self.fails_at == "open":
            raise LookupError("no such region")

    def send_messages(self, email_messages: list[EmailMessage]) -> int:
        type(self).taken += len(email_messages)
        if self.fails_at == "send":
            raise LookupError("what did it say?")
        return len(email_messages)

    def close(self) -> None:
        raise LookupError("it was closed before")


@pytest.fixture
def foreign(db: None, settings, monkeypatch) -> Sender:
    settings.SMTP_BACKEND = f"{__name__}.ForeignBackend"
    settings.SMTP_OPTIONS = {}
    monkeypatch.setattr(ForeignBackend, "taken", 0)
    return make_sender("smtp")


def test_an_error_that_only_its_backend_knows_leaves_a_doubt_for_a_person(foreign):
    stream = make_stream(foreign, people=1)

    deliver()

    assert statuses(stream) == {"in_doubt": 1}
    assert ForeignBackend.taken == 1
    assert SendBatch.objects.get().status == "parked"


def test_a_backend_that_does_not_open_holds_the_sender_and_loses_nothing(foreign, monkeypatch):
    monkeypatch.setattr(ForeignBackend, "fails_at", "open")
    stream = make_stream(foreign, people=1)

    deliver()

    foreign.refresh_from_db()
    assert foreign.paused_reason == "backend_failed: LookupError: no such region"
    assert statuses(stream) == {"sending": 1}
    assert ForeignBackend.taken == 0


def test_a_backend_that_cannot_hang_up_has_sent_all_the_same(foreign, monkeypatch):
    monkeypatch.setattr(ForeignBackend, "fails_at", "")
    stream = make_stream(foreign, people=2)

    deliver()

    assert statuses(stream) == {"sent": 2}
    assert ForeignBackend.taken == 2


def test_without_a_server_a_campaign_is_refused(db, settings):
    settings.SMTP_BACKEND = ""

    with pytest.raises(Refused, match="SMTP_URL is not set"):
        check_ready(Sender(name="News", provider="smtp"))


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (
            "smtp+tls://user:p%40ss@mail.example.com:587",
            {
                "host": "mail.example.com",
                "port": 587,
                "username": "user",
                "password": "p@ss",
                "use_tls": True,
                "use_ssl": False,
            },
        ),
        (
            "smtp://mail.example.com:25",
            {
                "host": "mail.example.com",
                "port": 25,
                "username": "",
                "password": "",
                "use_tls": False,
                "use_ssl": False,
            },
        ),
    ],
)
def test_a_url_names_the_server(url, options):
    assert mail_server(url) == ("django.core.mail.backends.smtp.EmailBackend", options)


def test_a_mail_server_takes_one_message_at_a_time():
    assert SmtpProvider.most_at_once == 1
