"""Makes people with telephones, and what is sent to them."""

from __future__ import annotations

from core import clock
from messaging.actions.templates import create_template, save_version
from messaging.addresses import address_hash
from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentState,
    Contact,
    Message,
    Sender,
    Stream,
    TemplateVersion,
)
from messaging.streams import open_stream, write_messages
from tests.fakes.twilio_server import TwilioServer
from tests.messaging.outbox.making import make_list, make_sender

NUMBER = "+15005550006"


def make_people(count: int, *, start: int = 0) -> list[Contact]:
    """Make contacts +27825550000 and so on, who all agreed to SMS."""
    people = [
        Contact(phone=phone, phone_hash=address_hash(phone), first_name=f"Person {number}")
        for number in range(start, start + count)
        for phone in [f"+2782555{number:04d}"]
    ]
    Contact.objects.bulk_create(people)
    Consent.objects.bulk_create(
        Consent(contact=contact, channel=Channel.SMS, state=ConsentState.GRANTED)
        for contact in people
    )
    return people


def make_version(text: str = "Hello {{ contact.first_name }}") -> TemplateVersion:
    template = create_template(
        name=f"SMS {TemplateVersion.objects.count()}", channel=Channel.SMS, actor="test"
    )
    return save_version(template, text=text, actor="test")


def make_sms_sender(provider: str = "twilio", **fields: object) -> Sender:
    given = {"name": f"SMS by {provider}", "channel": Channel.SMS, "from_email": ""}
    return make_sender(provider, **{**given, **fields})


def make_stream(
    sender: Sender, *, people: int, title: str = "Reminder", text: str = "", **fields: object
) -> Stream:
    """Open a stream with so many new people and write its messages."""
    readers = make_list(make_people(people, start=Contact.objects.count()), name=title)
    version = make_version(text) if text else make_version()
    stream = open_stream(title, sender=sender, template_version=version, **fields)
    write_messages(stream, lists=[readers], joined_before=clock.now())
    return stream


def assert_nobody_got_two(server: TwilioServer) -> None:
    numbers = [taken.to for taken in server.taken]
    assert len(set(numbers)) == len(numbers)


def assert_each_sent_once(server: TwilioServer, stream: Stream) -> None:
    """Compare the provider's ledger with ours: same messages, same ids, each once."""
    theirs = sorted((taken.message, taken.sid, taken.to) for taken in server.taken)
    ours = sorted(
        (message.public_id, message.provider_id, message.address)
        for message in Message.objects.filter(stream=stream, status="sent")
    )
    assert theirs == ours
    assert_nobody_got_two(server)
