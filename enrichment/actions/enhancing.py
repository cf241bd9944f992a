"""Asking AI about clients: one, or many with an estimate first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Avg

from core import audit
from core.errors import Conflict, Refused
from enrichment.actions.money import cap_together
from enrichment.applying import what_is_known
from enrichment.composing import compose
from enrichment.models import SANDBOX, AiCall, Client
from enrichment.prices import price_of
from enrichment.pricing import most_for
from enrichment.prompts import version_of
from enrichment.providers.registry import provider_in_use
from enrichment.states import CallStatus, Mode
from enrichment.values import lock_client
from jobs.actions import start_run
from jobs.models import Run
from jobs.states import ACTIVE

PURPOSE = "clients.enhance"
PROMPT = "clients-enhance"
#: What one person waits for goes before what was ordered in bulk.
HEAD_START = 600
MOST_AT_ONCE = 10_000
#: The estimate is the mean of so many calls of late.
SAMPLE = 200


@dataclass(frozen=True)
class Estimate:
    """What asking about some clients costs: at most, and probably; None where no call of late tells."""

    clients: int
    at_most: int
    probably: int | None
    is_sandbox: bool


def enhance_client(client: Client, *, actor: str, mode: str = "") -> Run:
    """Ask AI about a client; return the run. Raises Conflict where that is under way, Refused without a price."""
    _check_mode(mode)
    check_price()
    with transaction.atomic():
        locked = lock_client(client)
        if locked.run and locked.run.status in ACTIVE:
            raise Conflict(
                f"{client.name} is being asked about already, by {locked.run.public_id}.",
                field="client",
                value=client.public_id,
                remedy="Wait for it, or cancel that run.",
                code="under_way",
            )
        run = start_run(
            "enrichment.enhance_client",
            input={"client": client.public_id, "mode": mode},
            actor=actor,
            priority=HEAD_START,
        )
        Client.objects.filter(pk=client.pk).update(run=run)
        audit.record("client.enhancement_started", client, actor=actor, run=run.public_id)
    client.refresh_from_db()
    return run


def enhance_row(client: Client, *, key: str, within: str, actor: str) -> Run:
    """Ask about a client because a row of an import says so: once for each row, on the budget of its import.

    Joins the caller's transaction. A client under way is not asked about a second time.
    """
    locked = lock_client(client)
    if locked.run and locked.run.status in ACTIVE:
        return locked.run
    run = start_run(
        "enrichment.enhance_client",
        input={"client": client.public_id, "within": within},
        actor=actor,
        idempotency_key=key,
    )
    Client.objects.filter(pk=client.pk).update(run=run)
    return run


def enhance_many(
    clients: Sequence[Client], *, actor: str, mode: str = "", cap_micros: int | None = None
) -> Run:
    """Ask about many, one run each, joined by one; `cap_micros` is the most that all of them may cost together."""
    _check_mode(mode)
    check_price()
    if not 0 < len(clients) <= MOST_AT_ONCE:
        raise Refused(
            f"{len(clients):,} clients cannot be asked about at once.",
            field="clients",
            value=len(clients),
            remedy=f"Choose 1 to {MOST_AT_ONCE:,}.",
        )
    with transaction.atomic():
        run = start_run(
            "enrichment.enhance_clients",
            input={"clients": [client.public_id for client in clients], "mode": mode},
            actor=actor,
        )
        if cap_micros is not None:
            cap_together(run.public_id, cap_micros=cap_micros, actor=actor)
        audit.record("clients.enhancement_started", run, actor=actor, clients=len(clients))
    return run


def estimate(clients: Sequence[Client]) -> Estimate:
    """Return what asking about these clients costs; raise Refused where the model has no price."""
    version = version_of(PROMPT)
    is_sandbox = provider_in_use() == SANDBOX
    price = None if is_sandbox else price_of(version.model)
    requests = (
        compose(version, what_is_known(client), key="", purpose=PURPOSE, name=PROMPT)
        for client in clients
    )
    at_most = sum(most_for(request, price) for request in requests)
    mean = None if is_sandbox else _mean_cost(version.model)
    probably = min(at_most, round(mean * len(clients))) if mean is not None else None
    return Estimate(len(clients), at_most, probably, is_sandbox)


def check_price() -> None:
    """Refuse what could not be paid for, before anything is started."""
    if provider_in_use() != SANDBOX:
        price_of(version_of(PROMPT).model)


def _mean_cost(model: str) -> float | None:
    paid = AiCall.objects.filter(purpose=PURPOSE, model=model, status=CallStatus.RECEIVED)
    late = paid.exclude(provider=SANDBOX).order_by("-id").values("cost_micros")[:SAMPLE]
    mean: float | None = late.aggregate(mean=Avg("cost_micros"))["mean"]
    return mean


def _check_mode(mode: str) -> None:
    if mode and mode not in Mode.values:
        raise Refused(
            f"{mode!r} is no mode.",
            field="mode",
            value=mode,
            remedy=f"There are: {', '.join(Mode.values)}; leave it out for the client's own.",
        )
