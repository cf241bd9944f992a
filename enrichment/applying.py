"""What becomes of an answer about a client: values and competitors written, or proposed to a person.

Runs in the transaction of a step. Nothing but the fields of the profile is ever written, and nothing that a person has
locked; what the model is not sure of is proposed, whatever the mode.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from core import clock
from enrichment.models import AiCall, Client, Competitor, FieldValue, Proposal
from enrichment.states import Mode, ProposalStatus, Source
from enrichment.values import Saying, lock_client, locked_fields, write_value

#: Below this a value is not written but proposed.
SURE_ENOUGH = 0.5
#: The field of a proposal that names a competitor.
COMPETITOR = "competitor"


@dataclass(frozen=True)
class Answered:
    """An answer about a client: from which call, what becomes of it, and who writes it."""

    client: Client
    call: AiCall
    mode: str
    actor: str

    @property
    def saying(self) -> Saying:
        return Saying(Source.AI, self.actor, call=self.call)


def update_client(answered: Answered, findings: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Write or propose what was found; return how many fields were written, proposed, the same, and locked."""
    client = lock_client(answered.client)
    locked = locked_fields(client)
    present = dict(client.values.values_list("field", "value"))
    told = {"written": 0, "proposed": 0, "same": 0, "locked": 0}
    for each in findings:
        name, value, sure = each["field"], each["value"], each["confidence"]
        if name in locked:
            told["locked"] += 1
        elif present.get(name) == value:
            told["same"] += 1
        elif needs_a_person(answered.mode, sure):
            _propose(answered, name, value, confidence=sure)
            told["proposed"] += 1
        else:
            write_value(client, name, value, saying=answered.saying, confidence=sure)
            told["written"] += 1
    Client.objects.filter(pk=client.pk).update(
        enhanced_at=clock.now(), enhancement_count=F("enhancement_count") + 1
    )
    return told


def upsert_competitors(answered: Answered, found: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Keep or propose the competitors of an answer; those of people and those dismissed stay as they are."""
    client = lock_client(answered.client)
    known = set(client.competitors.values_list("domain", flat=True))
    told = {"written": 0, "proposed": 0, "same": 0}
    for each in found:
        if each["domain"] in known:
            told["same"] += 1
        elif needs_a_person(answered.mode, each["confidence"]):
            value = {"name": each["name"], "domain": each["domain"]}
            _propose(answered, COMPETITOR, value, confidence=each["confidence"])
            told["proposed"] += 1
        else:
            keep_competitor(client, each, saying=answered.saying, confidence=each["confidence"])
            told["written"] += 1
    return told


def keep_competitor(
    client: Client, value: Mapping[str, Any], *, saying: Saying, confidence: float | None
) -> None:
    """Insert a competitor, unless one of its domain stands."""
    competitor = Competitor(
        client=client,
        name=value["name"],
        domain=value["domain"],
        source=saying.source,
        call=saying.call,
        confidence=confidence,
        created_by=saying.actor,
    )
    Competitor.objects.bulk_create([competitor], ignore_conflicts=True)


def needs_a_person(mode: str, confidence: float | None) -> bool:
    return mode == Mode.REVIEW or (confidence is not None and confidence < SURE_ENOUGH)


def _propose(answered: Answered, field: str, value: Any, *, confidence: float | None) -> None:
    """Let a person decide; an older proposal for the same thing is replaced."""
    client = answered.client
    older = Proposal.objects.filter(client=client, field=field, status=ProposalStatus.PENDING)
    if field == COMPETITOR:
        older = older.filter(value__domain=value["domain"])
    older.update(status=ProposalStatus.REPLACED, decided_at=clock.now())
    Proposal.objects.create(
        client=client, field=field, value=value, call=answered.call, confidence=confidence
    )


def what_is_known(client: Client) -> dict[str, Any]:
    """Return what the model is told of a client: its name, domain, text, and what people have said of it."""
    return next(iter(what_is_known_of([client])))


def what_is_known_of(clients: Sequence[Client]) -> Iterator[dict[str, Any]]:
    """Yield what the model is told of each of many clients, in one query."""
    said: dict[Any, dict[str, Any]] = defaultdict(dict)
    locked = FieldValue.objects.filter(client__in=[each.pk for each in clients], is_locked=True)
    for pk, field, value in locked.values_list("client_id", "field", "value"):
        said[pk][field] = value
    for client in clients:
        yield {
            "name": client.name,
            "domain": client.domain or "",
            "text": client.web_text,
            "known": said[client.pk],
        }
