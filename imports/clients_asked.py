"""Companies in a file become clients, and AI is asked about each: a few at a time, within what it may cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from core.errors import Refused
from enrichment.actions.clients import create_client, update_client
from enrichment.actions.enhancing import check_price, enhance_row, estimate
from enrichment.actions.money import cap_together
from enrichment.models import Client
from enrichment.pricing import in_dollars, micros_of
from enrichment.wording import in_a_sentence
from imports.clients import OWN_FIELDS
from imports.states import Effect
from imports.targets import Job, Option, PacedTarget, Record


class ClientsAsked(PacedTarget):
    """Clients that AI is asked about: a run each, three at a time, on the budget of the import."""

    name = "clients_asked"
    title = "Clients, and ask AI about them"
    help = (
        "Every company in the file becomes a client, and AI is asked about it. A row is done when its question stands"
        " in the queue; the client's page tells the rest."
    )
    permission = "enrichment.enhance_client"
    match_keys = ("domain",)
    fields = OWN_FIELDS
    options = (
        Option(
            name="at_most",
            label="Spend at most",
            help="US dollars for the whole import, such as 5. Who does not fit in can be asked later.",
        ),
    )

    def clean_options(self, options: Mapping[str, Any], *, actor: str) -> dict[str, Any]:
        """Return options as they are kept; raise Refused for an amount that is none: a cap is asked for."""
        cleaned = super().clean_options(options, actor=actor)
        return cleaned | {"at_most": str(dollars(cleaned["at_most"]))}

    def estimate(self, records: Iterable[Record], *, others: int, job: Job) -> str:
        """Return what asking about the clients of these rows costs, beside what it may cost."""
        clients = self._would_be(list(records))
        if not clients:
            return ""
        told = estimate(clients, others=others)
        words = [in_a_sentence(told)]
        if others and not told.is_sandbox:
            words.append("Rows further down count as the dearest of those before.")
        if not told.is_sandbox and (cap := job.options.get("at_most")):
            allowed = micros_of(dollars(cap))
            words.append(f"All of it together may cost {in_dollars(allowed)}.")
            if told.at_most > allowed:
                words.append("Who does not fit in can be asked later.")
        return " ".join(words)

    def _would_be(self, records: list[Record]) -> list[Client]:
        """Return the clients of rows as saving these would leave them; nothing is saved."""
        standing = Client.objects.filter(domain__in=[record.key for record in records])
        clients = {client.domain: client for client in standing}
        for record in records:
            client = clients.setdefault(record.key, Client(name=record.key))
            for name, value in _given(record).items():
                setattr(client, name, value)
        return list(clients.values())

    def call(self, record: Record, *, job: Job, key: str) -> Any:
        """See that it could be paid; the question itself is a run's."""
        check_price()
        return {"key": key}

    def save(self, record: Record, answer: Any, *, job: Job) -> tuple[Effect, str]:
        cap_together(
            job.public_id, cap_micros=micros_of(dollars(job.options["at_most"])), actor=job.actor
        )
        client, effect = self._client(record, job)
        enhance_row(client, key=f"import:{answer['key']}", within=job.public_id, actor=job.actor)
        return effect, client.public_id

    def _client(self, record: Record, job: Job) -> tuple[Client, Effect]:
        """Find the client of a row, or make it."""
        given = _given(record)
        client = Client.objects.filter(domain=given["domain"]).first()
        if client is None:
            given.setdefault("name", given["domain"])
            return create_client(**given, actor=job.actor), Effect.CREATED
        changed = {name: value for name, value in given.items() if getattr(client, name) != value}
        if changed:
            update_client(client, **changed, actor=job.actor)
        return client, Effect.UPDATED


def _given(record: Record) -> dict[str, Any]:
    return {name: value for name, value in record.values.items() if value}


def dollars(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount <= 10**9:
        raise Refused(
            f"{text!r} is no amount of US dollars.",
            field="at_most",
            value=text,
            remedy="Say what the whole import may cost at most, such as 5 or 0.50.",
        )
    return amount
