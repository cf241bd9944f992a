"""Durable work: ask about one client, about many, and see to calls that nobody sees to."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core.errors import NotFound, Refused
from core.ids import decode, encode
from enrichment import applying, asking
from enrichment.abandoned import settle_abandoned
from enrichment.actions.enhancing import PROMPT, PURPOSE, check_mode
from enrichment.models import Client
from enrichment.profile import read_profile
from enrichment.prompts import version_of
from jobs.context import RunContext
from jobs.flow import Concurrency
from jobs.models import Event, Run
from jobs.registry import workflow
from jobs.retrying import Retry
from jobs.triggers import Trigger

#: Two retries; waits for limits and look-ups do not count.
TWICE = Retry((30, 300))


def from_event(event: Event) -> dict[str, Any]:
    """Return the input that `client/enhance.requested` means: its data names the client as `client` or `clientId`."""
    data = event.data or {}
    named = data.get("client", data.get("clientId"))
    if not isinstance(named, str):
        raise Refused("The event names no client.", field="data.client", value=named)
    mode = data.get("mode") or ""
    check_mode(mode)
    return {"client": one_form_of(named), "mode": mode}


def one_form_of(named: str) -> str:
    """Return a client's id as it is always written, for what holds once per client; what is none stays as it is."""
    try:
        return encode("cli", decode("cli", named))
    except NotFound:
        return named


@workflow(
    "enrichment.enhance_client",
    retry=TWICE,
    concurrency=(Concurrency(3), Concurrency(1, key="client")),
    triggers=[Trigger("client/enhance.requested", input=from_event)],
)
def enhance_client(run: RunContext, *, client: str, mode: str = "", within: str = "") -> Any:
    """Ask about a client, and write what came of it.

    1. `call openai`: the paid call, its raw answer saved before anything reads it.
    2. `process`: judge, limit, normalise.
    3. `update client`: the fields that no person has locked.
    4. `upsert competitors`.

    `within` is the run whose budget pays; `mode` overrules the client's own.
    """
    check_mode(mode)
    asked = Client.from_public_id(client)
    _show_on_the_page_of(asked, run)
    run.progress(0, 4, "asking the model")
    found, call = asking.answer(
        run,
        "call openai",
        then="process",
        purpose=PURPOSE,
        subject=client,
        client=asked,
        within=within,
        prompt=version_of(PROMPT),
        input=applying.what_is_known(asked),
        read=lambda answer: read_profile(answer, domain=asked.domain or ""),
    )
    run.progress(2, 4, "writing what it answered")
    answered = applying.Answered(asked, call, mode=mode or asked.mode, actor=f"run:{run.id}")
    fields = run.transaction(
        "update client", lambda: applying.update_client(answered, found["fields"])
    )
    others = run.transaction(
        "upsert competitors", lambda: applying.upsert_competitors(answered, found["competitors"])
    )
    run.progress(4, 4, "done")
    return {"call": call.public_id, "fields": fields, "competitors": others}


def _show_on_the_page_of(client: Client, run: RunContext) -> None:
    """Let the client's page follow this run, whoever started it."""
    pk = Run.from_public_id(run.id).pk
    if client.run_id != pk:
        with transaction.atomic():
            Client.objects.filter(pk=client.pk).update(run=pk)
            run.renew()


@workflow("enrichment.enhance_clients")
def enhance_clients(run: RunContext, *, clients: list[str], mode: str = "") -> dict[str, int]:
    """Ask about many clients, a run each; one that fails leaves the others alone, and is listed."""
    given = [{"client": each, "mode": mode, "within": run.id} for each in clients]
    ended = run.map("clients", "enrichment.enhance_client", given, failures="keep")
    failed = sum(isinstance(each, Exception) for each in ended)
    return {"asked": len(ended) - failed, "failed": failed}


@workflow("enrichment.settle_abandoned", cron="*/5 * * * *")
def settle(run: RunContext) -> int:
    """See to calls whose run is over: give money back that was only set aside, look up what may have been paid."""
    return settle_abandoned()
