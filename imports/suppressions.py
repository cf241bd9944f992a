"""Addresses in a file become suppressions: nothing is sent to them any more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from core import clock
from core.bulk import insert_rows
from core.errors import Refused
from imports.contacts import parse_phone
from imports.states import Mode
from imports.targets import BulkTarget, Change, Field, Job, Option, Standing, Undone
from messaging.addresses import address_hash, normalise_email
from messaging.channels import Channel
from messaging.models import Suppression, SuppressionReason


def parse_address(text: str, options: Mapping[str, Any]) -> str:
    """Return an address of the channel in its one spelling."""
    if options.get("channel") == Channel.SMS:
        return parse_phone(text, options)
    return normalise_email(text)


def parse_reason(text: str, options: Mapping[str, Any]) -> str:
    """Return a reason by its value or its label."""
    wanted = text.strip().lower()
    for value, label in SuppressionReason.choices:
        if wanted in (value, label.lower()):
            return value
    raise Refused(
        f"{text!r} is no reason for a suppression.",
        field="reason",
        value=text,
        remedy=f"Choose from: {', '.join(SuppressionReason.values)}.",
    )


class Suppressions(BulkTarget):
    """Addresses that are closed to a channel. One that is closed already stays as it is."""

    name = "suppressions"
    title = "Suppressions"
    help = "Nothing is sent to these addresses any more, whoever has them."
    permission = "messaging.add_suppression"
    match_keys = ("address",)
    modes = (Mode.SKIP,)
    fields = (
        Field(
            name="address",
            label="address",
            synonyms="email e_mail mail email_address e_mail_address recipient phone phone_number mobile telephone",
            parse=parse_address,
        ),
        Field(name="reason", label="reason", synonyms="type cause", parse=parse_reason),
    )
    options = (
        Option(
            name="channel",
            label="Channel",
            kind="choice",
            choices=tuple(Channel.choices),
            default=Channel.EMAIL.value,
        ),
        Option(
            name="reason",
            label="Reason",
            kind="choice",
            help="For rows that name none.",
            choices=tuple(SuppressionReason.choices),
            default=SuppressionReason.MANUAL.value,
        ),
        Option(name="default_region", label="Numbers are dialled in"),
    )

    def find(
        self, keys: Collection[str], *, match: str, options: Mapping[str, Any], lock: bool
    ) -> dict[str, Standing]:
        """Return what is suppressed; hashes are all that is kept of the addresses themselves."""
        if match == "id":
            found = Suppression.objects.filter(pk__in=keys)
            return {str(each.pk): Standing(str(each.pk), {"reason": each.reason}) for each in found}
        by_hash = {address_hash(key): key for key in keys}
        found = Suppression.objects.filter(
            channel=options["channel"], address_hash__among=by_hash.keys()
        )
        return {
            by_hash[each.address_hash]: Standing(str(each.pk), {"reason": each.reason})
            for each in found
        }

    def write(self, changes: Sequence[Change], *, job: Job) -> None:
        channel, now = job.options["channel"], clock.now()
        by_hash = {address_hash(change.record.key): change for change in changes}
        for change in changes:
            change.values = {"reason": change.values.get("reason") or job.options["reason"]}
        insert_rows(
            Suppression,
            ("channel", "address_hash", "reason", "source", "created_at"),
            [
                (channel, hashed, by_hash[hashed].values["reason"], f"import {job.public_id}", now)
                for hashed in sorted(by_hash)
            ],
        )
        written = Suppression.objects.filter(channel=channel, address_hash__in=by_hash.keys())
        for pk, hashed in written.values_list("pk", "address_hash"):
            by_hash[hashed].id = str(pk)

    def revert(self, rows: Sequence[Undone], *, job: Job) -> set[int]:
        Suppression.objects.filter(pk__in=[row.id for row in rows]).delete()
        return set()
