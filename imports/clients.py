"""Companies in a file become clients, with what the file says of them; what a person has locked stays."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from core import clock
from core.errors import Refused
from core.ids import decode, encode, uuid7
from enrichment.actions.clients import LONGEST_TEXT
from enrichment.domains import normalise_domain
from enrichment.models import Client, FieldValue
from enrichment.profile import FIELDS, LONGEST_NAME, ProfileField, clean_value
from enrichment.states import Source
from enrichment.values import Entry, Saying, put_back_last, write_many
from imports.states import Effect
from imports.targets import BulkTarget, Change, Field, Issue, Job, Standing, Undone, Values

OWN = ("name", "domain", "web_text")
#: Between several entries in one cell.
BETWEEN = re.compile(r"[;\n]")


def parse_name(text: str, options: Mapping[str, Any]) -> str:
    cleaned = " ".join(text.split())
    if len(cleaned) > LONGEST_NAME:
        raise Refused(f"A name has {LONGEST_NAME} letters at most.", field="name", value=text)
    return cleaned


def parse_domain(text: str, options: Mapping[str, Any]) -> str:
    return normalise_domain(text)


def parse_web_text(text: str, options: Mapping[str, Any]) -> str:
    if len(text) > LONGEST_TEXT:
        raise Refused(f"The text has more than {LONGEST_TEXT:,} letters.", field="web_text")
    return text.strip()


def parser_of(field: ProfileField) -> Callable[[str, Mapping[str, Any]], Any]:
    """Return what reads a cell of a field: entries of a list stand between semicolons."""
    return lambda text, options: clean_value(field, BETWEEN.split(text) if field.is_list else text)


OWN_FIELDS = (
    Field(
        name="domain",
        label="domain",
        synonyms="website web_site url homepage web client_domain",
        parse=parse_domain,
        empty=None,
    ),
    Field(
        name="name",
        label="name",
        synonyms="client company company_name client_name organisation organization",
        parse=parse_name,
    ),
    Field(
        name="web_text",
        label="text about it",
        synonyms="text about description web_text",
        parse=parse_web_text,
    ),
)


class Clients(BulkTarget):
    """Clients, matched by their domain or id."""

    name = "clients"
    title = "Clients"
    help = "Every company in the file becomes a client. Several entries in a cell stand between semicolons."
    permission = "enrichment.add_client"
    match_keys = ("domain", "id")
    fields = (
        *OWN_FIELDS,
        Field(
            name="id",
            label="client id",
            synonyms="client_id",
            parse=lambda text, options: encode("cli", decode("cli", text.strip())),
        ),
        *(
            Field(
                name=field.name,
                label=field.label.lower(),
                synonyms=field.label.lower().replace(" ", "_"),
                parse=parser_of(field),
            )
            for field in FIELDS.values()
        ),
    )

    # --- reading ---------------------------------------------------------------------------------------------------

    def find(
        self, keys: Collection[str], *, match: str, options: Mapping[str, Any], lock: bool
    ) -> dict[str, Standing]:
        wanted = [uuid.UUID(int=decode("cli", key)) for key in keys] if match == "id" else keys
        found = Client.objects.filter(**{f"{match}__in": wanted})
        if lock:
            found = found.select_for_update().order_by("pk")
        clients = list(found.values_list("pk", *OWN))
        said: dict[uuid.UUID, Values] = {}
        values = FieldValue.objects.filter(client__in=[pk for pk, *_ in clients])
        for pk, field, value in values.values_list("client_id", "field", "value"):
            said.setdefault(pk, {})[field] = value
        standing = {}
        for pk, *own in clients:
            each = Standing(
                encode("cli", pk), dict(zip(OWN, own, strict=True)) | said.get(pk, {}), pk
            )
            standing[each.id if match == "id" else str(each.values[match])] = each
        return standing

    def settle(self, changes: Sequence[Change], *, job: Job) -> None:
        """Leave out what a person has locked; a client without a name is called by its domain."""
        standing = [each.standing.pk for each in changes if each.standing]
        locked = FieldValue.objects.filter(client__in=standing, is_locked=True)
        kept = set(locked.values_list("client_id", "field"))
        for change in changes:
            change.values.pop("id", None)
            if change.standing is None:
                change.values["name"] = change.values.get("name") or change.values["domain"]
                continue
            for name in [n for n in change.values if (change.standing.pk, n) in kept]:
                value = str(change.values.pop(name))
                message = "A person has set this field, and it is locked."
                change.record.issues.append(Issue("locked", FIELDS[name].label, value, message))

    # --- writing ---------------------------------------------------------------------------------------------------

    def write(self, changes: Sequence[Change], *, job: Job) -> None:
        now = clock.now()
        created = [each for each in changes if each.standing is None]
        for change in created:
            change.pk = uuid7()
            change.id = encode("cli", change.pk)
        Client.objects.bulk_create(
            Client(pk=each.pk, **_own(each.values), created_by=job.actor) for each in created
        )
        for change in changes:
            if change.standing and (own := _own(change.values)):
                Client.objects.filter(pk=change.pk).update(**own, updated_at=now)
        entries = [
            Entry(each.pk, name, value)
            for each in changes
            for name, value in each.values.items()
            if name in FIELDS and (value or each.standing)
        ]
        write_many(entries, saying=Saying(Source.IMPORT, f"import:{job.public_id}"))

    # --- undoing ---------------------------------------------------------------------------------------------------

    def revert(self, rows: Sequence[Undone], *, job: Job) -> set[int]:
        """Give back what stood before; a client made by the import goes, unless money was spent on it since."""
        by_pk = {uuid.UUID(int=decode("cli", row.id)): row for row in rows}
        for pk, row in by_pk.items():
            if row.effect == Effect.UPDATED:
                Client.objects.filter(pk=pk).update(**_own(row.before), updated_at=clock.now())
                fields = [name for name in row.before if name in FIELDS]
                put_back_last(pk, fields, source=Source.IMPORT, by=job.actor)
        made = {pk for pk, row in by_pk.items() if row.effect == Effect.CREATED}
        asked = set(
            Client.objects.filter(pk__in=made, calls__isnull=False).values_list("pk", flat=True)
        )
        Client.objects.filter(pk__in=made - asked).delete()
        return {by_pk[pk].number for pk in asked}


def _own(values: Values) -> Values:
    """Return the columns of a client among values; a text that was taken away is empty."""
    own = {name: values[name] for name in OWN if name in values}
    return {name: value if name == "domain" else value or "" for name, value in own.items()}
