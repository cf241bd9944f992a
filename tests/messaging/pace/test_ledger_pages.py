"""The ledger for staff: found by anything, told whole, looked at safely, downloaded safely."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as some

from core import clock
from core.downloads import safe_cell
from core.models import AuditEntry
from messaging import lives
from messaging.life import Happening, Stage
from messaging.models import Contact, Message, ProviderEvent, SendBatch
from messaging.streams import open_stream, write_message
from tests.messaging.outbox.making import (
    deliver,
    make_people,
    make_sender,
    make_stream,
    make_version,
)

MONDAY = datetime(2027, 3, 1, 9, tzinfo=UTC)
LIST = "admin:messaging_message_changelist"


def page(message: Message) -> str:
    return reverse("admin:messaging_message_change", args=[message.pk])


def listed(browser, **query: str) -> list[Message]:
    return list(browser.get(reverse(LIST), query).context["cl"].result_list)


def tell(message: Message, *happenings: Happening) -> None:
    lives.tell({message.pk: happenings}, messages=lives.lock([message.pk], wait=True))


def rows_of(answer) -> list[list[str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.django_db
class TestList:
    def test_it_is_narrowed_down_by_everything_that_staff_ask(self, oscar, client_of, sandbox):
        with clock.travel(to=MONDAY):
            make_stream(sandbox, people=3)
            deliver()
        other = make_sender("sandbox", name="Another")
        new = make_stream(other, people=2, title="More")
        bounced = Message.objects.filter(status="sent").first()
        tell(bounced, Happening(Stage.BOUNCED, clock.now(), "Permanent"))
        Message.objects.filter(pk=Message.objects.filter(stream=new).first().pk).update(
            status="skipped", reason="no_consent"
        )
        browser = client_of(oscar)

        assert len(listed(browser)) == 5
        assert len(listed(browser, status__exact="sent")) == 3
        assert len(listed(browser, reason="no_consent")) == 1
        assert listed(browser, life="bounced") == [bounced]
        assert len(listed(browser, sender=str(other.pk))) == 2
        assert len(listed(browser, channel="email")) == 5
        assert len(listed(browser, channel="sms")) == 0
        with clock.travel(to=MONDAY + timedelta(days=10)):
            assert len(listed(browser, within="7")) == 0
            assert len(listed(browser, within="30")) == 3  # the others were written today

    def test_it_takes_the_same_queries_however_long_it_is(
        self, oscar, client_of, sandbox, django_assert_max_num_queries
    ):
        make_stream(sandbox, people=80)
        browser = client_of(oscar)
        with django_assert_max_num_queries(14):
            assert len(listed(browser)) == 80


@pytest.mark.django_db
class TestOneMessage:
    def test_its_whole_life_stands_on_its_page(self, oscar, client_of, sandbox):
        with clock.travel(to=MONDAY):
            make_stream(sandbox, people=1)
            deliver()
        message = Message.objects.get()
        tell(
            message,
            Happening(Stage.DELIVERED, MONDAY + timedelta(seconds=30)),
            Happening(Stage.OPENED, MONDAY + timedelta(minutes=5)),
        )

        shown = client_of(oscar).get(page(message)).content.decode()

        words = ["Written", "Cut", "Attempted", "Accepted", "Delivered", "Opened"]
        places = [shown.index(f"<strong>{word}</strong>") for word in words]
        assert places == sorted(places)
        assert "1 of 1 in bat_" in shown
        assert message.provider_id in shown
        assert '<time datetime="2027-03-01T09:05:00+00:00">2027-03-01 09:05:00</time>' in shown

    def test_a_held_message_says_until_when_and_why(self, oscar, client_of, sandbox):
        [reader] = make_people(1)
        stream = open_stream("Later", sender=sandbox, template_version=make_version())
        at = clock.now() + timedelta(days=2)
        message = write_message(stream, contact=reader, key="1", not_before=at)

        shown = client_of(oscar).get(page(message)).content.decode()

        assert "<strong>Waits until then</strong>" in shown
        assert "For a later time" in shown
        assert "It has not been written yet" in shown

    def test_the_letter_stands_in_a_frame_that_can_do_nothing(self, oscar, client_of, sandbox):
        stream = make_stream(sandbox, people=1)
        stream.template_version = make_version(html="<p>Hi</p><script>alert(1)</script>")
        stream.save()
        deliver()
        message = Message.objects.get()
        browser = client_of(oscar)

        shown = browser.get(page(message)).content.decode()
        frame = reverse("admin:messaging_message_letter", args=[message.pk])
        letter = browser.get(frame)

        assert f'<iframe sandbox="" referrerpolicy="no-referrer" src="{frame}"' in shown
        assert "alert(1)" not in shown
        assert "<p" in letter.content.decode()
        assert "default-src 'none'" in letter.headers["Content-Security-Policy"]
        assert letter.headers["Content-Security-Policy"].startswith("sandbox;")
        assert "Hello Person 0" in shown  # the subject

    def test_damaged_bytes_are_told_and_not_shown(self, oscar, client_of, sandbox):
        make_stream(sandbox, people=1)
        deliver()
        SendBatch.objects.update(sha256="0" * 64)

        shown = client_of(oscar).get(page(Message.objects.get())).content.decode()

        assert "The stored bytes are damaged" in shown

    def test_what_the_provider_told_is_part_of_it(self, oscar, client_of, sandbox):
        make_stream(sandbox, people=1)
        deliver()
        message = Message.objects.get()
        ProviderEvent.objects.create(
            source="resend", dedupe_key="1", kind="email.delivery_delayed", message=message
        )

        shown = client_of(oscar).get(page(message)).content.decode()

        assert (
            "<strong>Email: delivery_delayed</strong>" in shown
            or "Email: delivery delayed" in shown
        )

    def test_strangers_see_nothing_of_it(self, charlie, client_of, sandbox):
        make_stream(sandbox, people=1)
        deliver()
        message = Message.objects.get()
        browser = client_of(charlie)

        for place in (
            page(message),
            reverse(LIST),
            reverse("admin:messaging_message_letter", args=[message.pk]),
            reverse("admin:messaging_message_export"),
        ):
            assert browser.get(place).status_code in (302, 403)


@pytest.mark.django_db
class TestDownload:
    def test_it_holds_what_the_list_shows_with_the_same_filters(self, oscar, client_of, sandbox):
        make_stream(sandbox, people=3)
        deliver()
        make_stream(make_sender("sandbox", name="Another"), people=2, title="More")

        browser = client_of(oscar)
        everything = rows_of(browser.get(reverse("admin:messaging_message_export")))
        sent = rows_of(
            browser.get(reverse("admin:messaging_message_export"), {"status__exact": "sent"})
        )

        assert everything[0][:3] == ["id", "stream", "sender"]
        assert len(everything) == 6
        assert {row[6] for row in sent[1:]} == {"sent"}
        assert len(sent) == 4
        ids = [row[0] for row in everything[1:]]
        assert ids == [message.public_id for message in Message.objects.order_by("-pk")]

    def test_nothing_in_it_is_a_formula(self, oscar, client_of, sandbox):
        [reader] = make_people(1)
        title = '=HYPERLINK("http://evil.test","click")'
        stream = open_stream(title, sender=sandbox, template_version=make_version())
        write_message(stream, contact=reader, key="1")
        Contact.objects.update(email="+1@example.com")
        Message.objects.update(address="+1@example.com", detail="@SUM(1)")

        [_, row] = rows_of(client_of(oscar).get(reverse("admin:messaging_message_export")))

        assert row[1] == f"'{title}"
        assert "'+1@example.com" in row
        assert "'@SUM(1)" in row

    def test_who_may_only_look_may_not_take_addresses_away(self, bob, client_of, sandbox):
        browser = client_of(bob)

        assert browser.get(reverse("admin:messaging_message_export")).status_code == 403
        assert "Download these" not in browser.get(reverse(LIST)).content.decode()
        assert not AuditEntry.objects.filter(verb="messages.exported").exists()

    def test_it_is_noted_who_took_what_without_addresses(self, oscar, client_of, sandbox):
        client_of(oscar).get(reverse("admin:messaging_message_export"), {"q": "a@example.com"})

        entry = AuditEntry.objects.get(verb="messages.exported")
        assert (entry.actor, entry.detail) == ("staff:oscar", {"filters": ["q"]})


@given(some.text(max_size=30))
def test_no_cell_begins_like_a_formula(text):
    cell = safe_cell(text)

    assert not cell.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert cell in (text, f"'{text}")
