"""Asking AI about clients: one, or many with an estimate first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Avg

from core import audit
from core.errors import Conflict, Refused
from enrichment.actions.money import cap_together
from enrichment.applying import what_is_known_of
from enrichment.composing import A_KEY, compose
from enrichment.models import SANDBOX, AiCall, Client
from enrichment.prices import price_of
from enrichment.pricing import most_with_mending
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
    """What asking about some clients costs: probably (None where no call of late tells), and at most.

    At most is what it comes to when each answer is cut off, asked for anew, and then has to be mended.
    """

    clients: int
    at_most: int
    probably: int | None
    is_sandbox: bool


def enhance_client(client: Client, *, actor: str, mode: str = "") -> Run:
    """Ask AI about a client; return the run. Raises Conflict where that is under way, Refused without a price."""
    check_mode(mode)
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
    """Ask about many, one run each, joined by one; `cap_micros` is the most that all of them may cost together.

    Each client once, and those under way not a second time, in whatever order they were asked for: what was pressed
    twice is paid once. Raises Conflict where all of them are under way.
    """
    check_mode(mode)
    check_price()
    _check_number(clients)
    with transaction.atomic():
        resting = _lock_resting(clients)
        if not resting:
            raise Conflict(
                f"{_all_of(clients)} being asked about already.",
                field="clients",
                value=len(clients),
                remedy="Wait for it, or cancel those runs.",
                code="under_way",
            )
        run = start_run(
            "enrichment.enhance_clients",
            input={"clients": [client.public_id for client in resting], "mode": mode},
            actor=actor,
        )
        Client.objects.filter(pk__in=[client.pk for client in resting]).update(run=run)
        if cap_micros is not None:
            cap_together(run.public_id, cap_micros=cap_micros, actor=actor)
        left_out = len(clients) - len(resting)
        audit.record(
            "clients.enhancement_started",
            run,
            actor=actor,
            clients=len(resting),
            left_out=left_out,
        )
    return run


def _lock_resting(clients: Sequence[Client]) -> list[Client]:
    """Let nobody else start asking about these clients; return those that nobody asks about, in the given order."""
    once = {client.pk: client for client in clients}
    locked = Client.objects.select_for_update().filter(pk__in=once).order_by("pk")
    run_of = dict(locked.values_list("pk", "run_id"))
    active = Run.objects.active().filter(pk__in=set(run_of.values()) - {None})
    busy = set(active.values_list("pk", flat=True))
    return [each for pk, each in once.items() if pk in run_of and run_of[pk] not in busy]


def _check_number(clients: Sequence[Client]) -> None:
    if not 0 < len(clients) <= MOST_AT_ONCE:
        raise Refused(
            f"{len(clients):,} clients cannot be asked about at once.",
            field="clients",
            value=len(clients),
            remedy=f"Choose 1 to {MOST_AT_ONCE:,}.",
        )


def _all_of(clients: Sequence[Client]) -> str:
    return f"{clients[0].name} is" if len(clients) == 1 else f"All {len(clients):,} clients are"


def estimate(clients: Sequence[Client], *, others: int = 0) -> Estimate:
    """Return what asking about these clients costs, each once; raise Refused where the model has no price.

    `others` are so many more that nobody has looked at: each counts as the dearest of these.
    """
    _check_number(clients)
    once = {client.pk: client for client in clients}
    version = version_of(PROMPT)
    is_sandbox = provider_in_use() == SANDBOX
    price = None if is_sandbox else price_of(version.model)
    requests = (
        compose(version, known, key=A_KEY, purpose=PURPOSE, name=PROMPT)
        for known in what_is_known_of(list(once.values()))
    )
    most = [most_with_mending(request, price) for request in requests]
    count, at_most = len(most) + others, sum(most) + others * max(most)
    mean = None if is_sandbox else _mean_cost(version.model)
    probably = min(at_most, round(mean * count)) if mean is not None else None
    return Estimate(count, at_most, probably, is_sandbox)


def check_price() -> None:
    """Refuse what could not be paid for, before anything is started."""
    if provider_in_use() != SANDBOX:
        price_of(version_of(PROMPT).model)


def _mean_cost(model: str) -> float | None:
    paid = AiCall.objects.filter(purpose=PURPOSE, model=model, status=CallStatus.RECEIVED)
    late = paid.exclude(provider=SANDBOX).order_by("-id").values("cost_micros")[:SAMPLE]
    mean: float | None = late.aggregate(mean=Avg("cost_micros"))["mean"]
    return mean


def check_mode(mode: str) -> None:
    """Refuse a mode that is none: what should have been reviewed would else be written."""
    if mode and mode not in Mode.values:
        raise Refused(
            f"{mode!r} is no mode.",
            field="mode",
            value=mode,
            remedy=f"There are: {', '.join(Mode.values)}; leave it out for the client's own.",
        )
