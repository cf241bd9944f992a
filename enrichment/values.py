"""What is known of a client, written with who said it: in the caller's transaction, with the client's row locked.

A locked value is a person's: nothing but a person changes it. What stood before is kept with every change.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core import clock
from core.errors import NotFound
from enrichment.models import AiCall, Client, FieldChange, FieldValue
from enrichment.states import Source

KEPT = ("value", "source", "call_id", "confidence", "set_by", "set_at", "is_locked")


@dataclass(frozen=True)
class Saying:
    """Who says a value."""

    source: Source
    actor: str
    call: AiCall | None = None
    locks: bool = False


def lock_client(client: Client) -> Client:
    """Let nobody else write about a client until the transaction ends; raise NotFound where it is gone."""
    found = Client.objects.select_for_update().filter(pk=client.pk).first()
    if found is None:
        raise NotFound(f"The client {client.public_id} was deleted.", value=client.public_id)
    return found


def values_of(client: Client) -> dict[str, FieldValue]:
    return {each.field: each for each in client.values.select_related("call")}


def write_value(
    client: Client, field: str, value: Any, *, saying: Saying, confidence: float | None = None
) -> bool:
    """Set one field; False where it says so already. An empty value takes the field away.

    Whether the field is locked is for the caller to heed.
    """
    present = FieldValue.objects.filter(client=client, field=field).first()
    is_same = present.value == value if present else not value
    if is_same and not (present and saying.locks and not present.is_locked):
        return False
    before = _kept(present) if present else None
    said = {
        "source": saying.source,
        "call": saying.call,
        "confidence": confidence,
        "set_by": saying.actor,
        "set_at": clock.now(),
    }
    FieldValue.objects.filter(client=client, field=field).delete()
    if value or saying.locks:
        FieldValue.objects.create(
            client=client, field=field, value=value, is_locked=saying.locks, **said
        )
    FieldChange.objects.create(client=client, field=field, before=before, after=value, **said)
    Client.objects.filter(pk=client.pk).update(updated_at=clock.now())
    return True


def put_back(change: FieldChange) -> None:
    """Give a field what stood in it before a change."""
    FieldValue.objects.filter(client=change.client, field=change.field).delete()
    if change.before is not None:
        FieldValue.objects.create(client=change.client, field=change.field, **change.before)


def _kept(value: FieldValue) -> Mapping[str, Any]:
    kept = {name: getattr(value, name) for name in KEPT}
    kept["call_id"] = str(value.call_id) if value.call_id else None
    kept["set_at"] = value.set_at.isoformat()
    return kept


def locked_fields(client: Client) -> set[str]:
    return set(client.values.filter(is_locked=True).values_list("field", flat=True))


@dataclass(frozen=True)
class Entry:
    """One value for one field of one client."""

    client_id: uuid.UUID
    field: str
    value: Any


def write_many(entries: Sequence[Entry], *, saying: Saying) -> None:
    """Set many fields of many clients in a few statements, each with its history. Locked ones are for the caller."""
    pks = {each.client_id for each in entries}
    standing = {
        (each.client_id, each.field): each for each in FieldValue.objects.filter(client__in=pks)
    }
    said = {"source": saying.source, "call": saying.call, "set_by": saying.actor}
    at = clock.now()
    older = [standing.get((each.client_id, each.field)) for each in entries]
    FieldValue.objects.filter(pk__in=[each.pk for each in older if each]).delete()
    FieldValue.objects.bulk_create(
        FieldValue(**vars(each), **said, set_at=at) for each in entries if each.value
    )
    FieldChange.objects.bulk_create(
        FieldChange(
            client_id=each.client_id,
            field=each.field,
            before=_kept(before) if before else None,
            after=each.value,
            **said,
            set_at=at,
        )
        for each, before in zip(entries, older, strict=True)
    )


def put_back_last(
    client_id: uuid.UUID, fields: Collection[str], *, source: Source, by: str
) -> None:
    """Undo the last change of these fields that came from a source; what a person has locked since stays."""
    kept = FieldValue.objects.filter(client=client_id, field__in=fields, is_locked=True)
    for field in set(fields) - set(kept.values_list("field", flat=True)):
        said = FieldChange.objects.filter(client_id=client_id, field=field, source=source)
        change = said.filter(undone_at=None).order_by("-pk").first()
        if change:
            put_back(change)
            FieldChange.objects.filter(pk=change.pk).update(undone_at=clock.now(), undone_by=by)
