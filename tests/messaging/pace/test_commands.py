"""The same from a terminal: send one message, look at the outbox, stop it and let it go on."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core import clock
from jobs import watching
from messaging.actions.consent import suppress_address
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import Message, SandboxMessage, Sender, SuppressionReason
from tests.messaging.outbox.making import deliver, make_people, make_sender, make_stream

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _receipt(sandbox: Sender) -> None:
    template = create_template(name="Receipt", actor="test")
    save_version(template, subject="Paid", html="<p>{{ data.amount }}</p>", actor="test")


@pytest.mark.parametrize(
    "whom", [["--to", "person0@example.com"], ["--contact", "person0@example.com"]]
)
def test_one_message_to_one_person(whom):
    make_people(1)

    told = run("send_message", "--template", "receipt", *whom, "--data", '{"amount": "R 100"}')
    deliver()

    assert told == f"Written as {Message.objects.get().public_id}.\n"
    assert "R 100" in SandboxMessage.objects.get().html


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--to", "nobody", "--data", '{"amount": 1}'], "'nobody' is not an e-mail address"),
        (["--to", "a@example.com"], "data.amount"),
        (
            ["--to", "a@example.com", "--data", "[1]"],
            "--data is not a JSON object: it is no object.",
        ),
        (["--to", "a@example.com", "--data", "{"], "--data is not a JSON object"),
        (["--contact", "nobody@example.com"], "There is no contact 'nobody@example.com'."),
    ],
)
def test_what_cannot_be_sent_is_told_with_its_reason(arguments, told):
    with pytest.raises(CommandError, match=told.replace("[", r"\[")) as refused:
        run("send_message", "--template", "receipt", *arguments)

    assert refused.value.returncode == 1
    assert Message.objects.count() == 0


def test_a_message_that_is_skipped_at_once_ends_with_2():
    [reader] = make_people(1)
    suppress_address(
        Channel.EMAIL,
        reader.email_hash,
        reason=SuppressionReason.BOUNCED,
        source="test",
        actor="test",
    )

    with pytest.raises(CommandError, match="Skipped at .*: Suppressed") as refused:
        run(
            "send_message", "--template", "receipt", "--to", reader.email, "--data", '{"amount": 1}'
        )

    assert refused.value.returncode == 2


def test_waiting_tells_how_it_ended(monkeypatch):
    monkeypatch.setattr(watching, "sleep", lambda _: deliver())
    whom = ["--to", "a@example.com", "--data", '{"amount": 1}']

    told = run("send_message", "--template", "receipt", *whom, "--wait")

    assert "Accepted at " in told
    assert "sandbox-" in told


def test_the_outbox_is_told_per_sender():
    make_sender("sandbox", name="Shy", daily_cap=2, time_zone="Africa/Johannesburg")
    with clock.travel(to=datetime(2027, 3, 1, 9, tzinfo=UTC)):
        make_stream(Sender.objects.get(name="Shy"), people=5)
        deliver(advance=False)

        lines = run("outbox", "status").splitlines()

    assert lines[0].split() == [
        "sender",
        "state",
        "due",
        "held",
        "on",
        "their",
        "way",
        "in",
        "doubt",
        "today",
    ]
    assert [line.split() for line in lines[1:]] == [
        ["News", "by", "sandbox", "active", "0", "0", "0", "0", "no", "limit"],
        ["Shy", "active", "3", "0", "0", "0", "2", "of", "2"],
    ]


def test_all_senders_stop_and_go_on():
    make_sender("sandbox", name="Another")

    assert run("outbox", "pause", "--all", "--reason", "restored a backup") == (
        "Another is paused.\nNews by sandbox is paused.\n"
    )
    assert {*Sender.objects.values_list("status", "paused_reason")} == {
        ("paused", "restored a backup")
    }
    assert "paused: restored a backup" in run("outbox", "status")
    assert run("outbox", "resume", "Another") == "Another goes on.\n"
    assert run("outbox", "resume", "--all") == "News by sandbox goes on.\n"
    with pytest.raises(CommandError, match="active already"):
        run("outbox", "resume", "Another")
