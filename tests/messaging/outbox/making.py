"""Makes what these tests need, in few statements."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from core import clock
from jobs import reaper
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.actions.templates import create_template, save_version
from messaging.addresses import address_hash
from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentState,
    Contact,
    ContactList,
    ListMember,
    Message,
    Sender,
    Stream,
    TemplateVersion,
)
from messaging.streams import open_stream, write_messages
from tests.fakes.resend_server import ResendServer


def make_people(count: int, *, start: int = 0) -> list[Contact]:
    """Make contacts person0@example.com and so on, who all agreed to e-mail."""
    people = [
        Contact(email=email, email_hash=address_hash(email), first_name=f"Person {number}")
        for number in range(start, start + count)
        for email in [f"person{number}@example.com"]
    ]
    Contact.objects.bulk_create(people)
    Consent.objects.bulk_create(
        Consent(contact=contact, channel=Channel.EMAIL, state=ConsentState.GRANTED)
        for contact in people
    )
    return people


def make_list(people: list[Contact], *, name: str = "Readers") -> ContactList:
    readers = ContactList.objects.create(name=name)
    ListMember.objects.bulk_create(ListMember(list=readers, contact=each) for each in people)
    return readers


def make_version(
    *, subject: str = "Hello {{ contact.first_name }}", html: str = "<p>News</p>"
) -> TemplateVersion:
    template = create_template(name=f"Template {TemplateVersion.objects.count()}", actor="test")
    return save_version(template, subject=subject, html=html, actor="test")


def make_sender(provider: str, **fields: object) -> Sender:
    given = {"name": f"News by {provider}", "from_email": "news@longhaul.test", "lanes": 1}
    return Sender.objects.create(provider=provider, **{**given, **fields})


def make_stream(
    sender: Sender, *, people: int, title: str = "Spring news", **fields: object
) -> Stream:
    """Open a stream with so many new readers and write its messages."""
    readers = make_list(make_people(people, start=Contact.objects.count()), name=title)
    stream = open_stream(title, sender=sender, template_version=make_version(), **fields)
    write_messages(stream, lists=[readers], joined_before=clock.now())
    return stream


def statuses(stream: Stream) -> dict[str, int]:
    """Return how many messages of a stream stand where."""
    return dict(Counter(Message.objects.filter(stream=stream).values_list("status", flat=True)))


def deliver(*, advance: bool = True) -> None:
    """Drive all lanes until they rest; none may fail."""
    run_until_idle(advance=advance)
    for run in Run.objects.filter(error__isnull=False):
        raise AssertionError(run.error["traceback"])


def bury_the_worker() -> None:
    """Let every lease end and the reaper find it, as after the death of a worker process."""
    held = Run.objects.filter(status__in=["claimed", "running"])
    held.update(lease_until=clock.now() - timedelta(days=1))
    reaper.reap_expired()


def assert_each_sent_once(server: ResendServer, stream: Stream) -> None:
    """Compare the provider's ledger with ours: same messages, same ids, each once."""
    theirs = sorted((entry.message, entry.id, entry.to) for entry in server.accepted)
    ours = sorted(
        (message.public_id, message.provider_id, message.address)
        for message in Message.objects.filter(stream=stream, status="sent")
    )
    assert theirs == ours
    assert len({message for message, _, _ in theirs}) == len(theirs)
