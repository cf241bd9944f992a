"""What people do to what is known of a client: edit, lock, unlock, undo, accept and reject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from core import audit, clock
from core.errors import Conflict, Refused
from enrichment.applying import COMPETITOR, keep_competitor
from enrichment.models import AiCall, Client, FieldChange, FieldValue, Proposal
from enrichment.profile import FIELDS, ProfileField, Unreadable, clean_value
from enrichment.states import ProposalStatus, Source
from enrichment.values import Saying, lock_client, put_back, write_value


@transaction.atomic
def edit_fields(client: Client, values: Mapping[str, Any], *, actor: str) -> list[str]:
    """Set fields by hand, which locks them; return those that changed. Raises Refused for a field that is none."""
    cleaned = {name: _cleaned(name, value) for name, value in values.items()}
    lock_client(client)
    saying = Saying(Source.HUMAN, actor, locks=True)
    changed = [
        name for name, value in cleaned.items() if write_value(client, name, value, saying=saying)
    ]
    if changed:
        audit.record("client.fields_edited", client, actor=actor, fields=changed)
    return changed


@transaction.atomic
def unlock_fields(client: Client, names: Iterable[str], *, actor: str) -> int:
    """Let AI and imports write these fields again; return how many were locked."""
    fields = [_field(name).name for name in names]
    lock_client(client)
    locked = FieldValue.objects.filter(client=client, field__in=fields, is_locked=True)
    count = locked.update(is_locked=False)
    if count:
        audit.record("client.fields_unlocked", client, actor=actor, fields=fields)
    return count


@transaction.atomic
def undo_change(change: FieldChange, *, actor: str) -> None:
    """Put back what stood before a change; raise Conflict where the field was changed since."""
    client = lock_client(change.client)
    later = client.changes.filter(field=change.field, undone_at=None, pk__gt=change.pk)
    is_mine = client.changes.filter(pk=change.pk, undone_at=None)
    if later.exists() or not is_mine.update(undone_at=clock.now(), undone_by=actor):
        raise Conflict(
            f"“{_field(change.field).label}” of {client.name} was changed since.",
            field=change.field,
            remedy="Undo the later change first, or edit the field.",
        )
    put_back(change)
    audit.record("client.change_undone", client, actor=actor, field=change.field, change=change.pk)


@transaction.atomic
def undo_call(client: Client, call: AiCall, *, actor: str) -> int:
    """Put back everything that one call changed and nobody has changed since; return how many fields."""
    undone = 0
    for change in client.changes.filter(call=call, undone_at=None).order_by("-pk"):
        if not client.changes.filter(field=change.field, undone_at=None, pk__gt=change.pk).exists():
            undo_change(change, actor=actor)
            undone += 1
    return undone


@transaction.atomic
def accept_proposals(proposals: Iterable[Proposal], *, actor: str) -> int:
    """Write proposed values, as the AI's, and lock them not; return how many were still waiting.

    A field that a person has locked meanwhile stays as it is: Conflict.
    """
    accepted = 0
    for proposal in proposals:
        client = lock_client(proposal.client)
        if not _decide(proposal, ProposalStatus.ACCEPTED, actor):
            continue
        _write(client, proposal, actor)
        audit.record("proposal.accepted", proposal, actor=actor, client=client.public_id)
        accepted += 1
    return accepted


@transaction.atomic
def reject_proposals(proposals: Iterable[Proposal], *, actor: str) -> int:
    """Say no to proposed values; return how many were still waiting."""
    rejected = [each for each in proposals if _decide(each, ProposalStatus.REJECTED, actor)]
    for proposal in rejected:
        audit.record("proposal.rejected", proposal, actor=actor, client=proposal.client.public_id)
    return len(rejected)


def _write(client: Client, proposal: Proposal, actor: str) -> None:
    saying = Saying(Source.AI, actor, call=proposal.call)
    if proposal.field == COMPETITOR:
        keep_competitor(client, proposal.value, saying=saying, confidence=proposal.confidence)
        return
    locked = FieldValue.objects.filter(client=client, field=proposal.field, is_locked=True)
    if locked.exists():
        raise Conflict(
            f"“{_field(proposal.field).label}” was set by a person and is locked.",
            field=proposal.field,
            remedy="Unlock the field first, or reject the proposal.",
        )
    write_value(
        client, proposal.field, proposal.value, saying=saying, confidence=proposal.confidence
    )


def _decide(proposal: Proposal, status: ProposalStatus, actor: str) -> bool:
    waiting = Proposal.objects.filter(pk=proposal.pk, status=ProposalStatus.PENDING)
    return bool(waiting.update(status=status, decided_at=clock.now(), decided_by=actor))


def _field(name: str) -> ProfileField:
    try:
        return FIELDS[name]
    except KeyError:
        raise Refused(
            f"A client has no field {name!r}.",
            field=name,
            value=name,
            remedy=f"There are: {', '.join(FIELDS)}.",
            code="unknown_field",
        ) from None


def _cleaned(name: str, value: Any) -> Any:
    field = _field(name)
    try:
        return clean_value(field, value)
    except Unreadable as error:
        raise Refused(str(error), field=name, value=value, remedy="Give a text.") from error
