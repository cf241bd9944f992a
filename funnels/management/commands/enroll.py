"""`manage.py enroll EVENT --contact WHO | --list NAME | --file PATH [--wait]`: enroll people in an event."""

from __future__ import annotations

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from tqdm import tqdm

from core.audit import command_actor
from core.errors import Refused
from funnels.actions import enroll
from funnels.models import Enrollment, Event
from funnels.states import EnrollmentStatus
from jobs.watching import looks
from messaging.finding import find_contact
from messaging.models import Contact, ContactList


class Command(BaseCommand):
    help = (
        "Enroll people in an event. Exits with 0 when they are enrolled, 1 when that was refused; with --wait once "
        "everybody was begun with."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("event", metavar="EVENT", help="the event's id, occ_…")
        whom = parser.add_mutually_exclusive_group(required=True)
        whom.add_argument("--contact", action="append", help="con_…, or an address; repeat it")
        whom.add_argument("--list", help="the name of a list: everybody on it")
        whom.add_argument(
            "--file", type=Path, help="an address or a number of a known contact per line"
        )
        parser.add_argument("--wait", action="store_true", help="until everybody was begun with")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            event = Event.from_public_id(options["event"])
            people = self._people(options)
            done = enroll(event, people, actor=command_actor())
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{done.new:,} of {done.people:,} people are enrolled anew in “{event}”.")
        if options["wait"]:
            wait_until_begun(event)

    def _people(self, options: dict[str, Any]) -> list[UUID]:
        if options["contact"]:
            return [find_contact(each).pk for each in options["contact"]]
        if options["list"]:
            return members_of(options["list"])
        return known_people(options["file"])


def members_of(name: str) -> list[UUID]:
    """Return everybody on a list; raise Refused where there is none of that name."""
    found = ContactList.objects.filter(name__iexact=name).first()
    if found is None:
        raise Refused(f"There is no list {name!r}.", field="list", value=name)
    return list(found.members.order_by("contact").values_list("contact", flat=True))


def known_people(path: Path) -> list[UUID]:
    """Return the contacts whose addresses or numbers stand first on the lines of a file.

    Raises Refused, naming the first, where somebody is nobody's: import the people first.
    """
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} cannot be read: {error}.", field="file", value=str(path)) from None
    wanted = [line[0].strip().lower() for line in lines if line and line[0].strip()]
    found: dict[str, UUID] = {}
    for at in range(0, len(wanted), 500):
        chunk = wanted[at : at + 500]
        for pk, email, phone in Contact.objects.filter(
            Q(email__in=chunk) | Q(phone__in=chunk)
        ).values_list("pk", "email", "phone"):
            found |= {address: pk for address in (email, phone) if address}
    for number, address in enumerate(wanted, 1):
        if address not in found:
            raise Refused(
                f"Line {number} of {path}: nobody is known by that address.",
                field="file",
                value=address,
                remedy="Import the people first, with what they agreed to.",
            )
    return list(dict.fromkeys(found[address] for address in wanted))


def wait_until_begun(event: Event) -> None:
    """Show a bar until every run of this event's people was taken up once."""
    mine = Enrollment.objects.filter(launch__event=event, status=EnrollmentStatus.ACTIVE)
    begun = mine.filter(Q(run__started_at__isnull=False) | Q(run__due_at__isnull=False))
    with tqdm(total=mine.count(), unit=" people", disable=None) as bar:
        for _ in looks(bar):
            bar.update(begun.count() - bar.n)
            if begun.count() >= mine.count():
                return
