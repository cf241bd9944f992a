"""The class of a tender by AI, for sources without a portal: a division of the CPV, paid once, kept in the ledger."""

from __future__ import annotations

from typing import Any

from core.errors import PermanentFailure, Refused
from enrichment import accounts, asking, prompts
from enrichment.profile import Unreadable
from enrichment.prompts import Shipped
from enrichment.providers.registry import provider_in_use
from enrichment.schemas import SHARE, TEXT, record
from jobs.context import RunContext
from tenders.enriching.answers import Answer, failed
from tenders.enriching.divisions import DIVISIONS
from tenders.models import Tender
from tenders.states import EnrichmentStatus

PROMPT = "tenders-classify"
PURPOSE = "tenders.classify"
LONGEST = 3_000
#: A class that the model itself is less sure of is none.
LEAST_CONFIDENCE = 0.5
CLASSIFY = Shipped(
    name=PROMPT,
    description="Which division of the Common Procurement Vocabulary a public tender belongs to.",
    text=(
        "You sort public tenders. Say which division of the Common Procurement Vocabulary the tender in the data"
        " belongs to, by its two digits, from this list:\n\n"
        + "\n".join(f"{code} {name}" for code, name in DIVISIONS.items())
        + "\n\nChoose by what is bought and not by who buys it. In “confidence” say how sure you are, from 0 (no"
        " idea) to 1 (it is written there); in “reason” say why in one short sentence."
    ),
    schema=record(
        {
            "division": {"type": "string", "enum": list(DIVISIONS)},
            "confidence": SHARE,
            "reason": TEXT,
        }
    ),
    max_tokens=300,
)


def classify(run: RunContext, tender: Tender, *, force: bool = False) -> Answer:
    """Return the class that a model gives a tender; a refusal, a spent budget and an answer of no use are failures.

    What was asked before, in the same words, is not paid for again, but by `force`.
    """
    question: dict[str, Any] = {
        "purpose": PURPOSE,
        "subject": tender.public_id,
        "prompt": prompts.version_of(PROMPT),
        "input": _told(tender),
    }
    known = run.transaction("look before asking", _look, question, force=force)
    if known["paused"]:
        return failed(f"The account of {known['paused']} is paused.")
    if known["call"]:
        return _class(known["found"], call=known["call"])
    try:
        found, call = asking.answer(run, "classify", read=read, **question)
    except (Refused, PermanentFailure) as problem:
        return failed(str(problem))
    return _class(found, call=call.public_id)


def _told(tender: Tender) -> dict[str, Any]:
    return {
        "title": tender.title,
        "description": tender.description[:LONGEST],
        "buyer": tender.buyer,
        "category": tender.category,
        "codes": tender.codes[:10],
    }


def _look(question: dict[str, Any], *, force: bool) -> dict[str, Any]:
    """Return an answer that is there already, or whose account is paused: nobody waits here for a person."""
    before = None if force else asking.earlier(**question)
    if before is not None:
        answer, call = before
        return {"found": read(answer), "call": call.public_id, "paused": ""}
    name = provider_in_use()
    return {"found": None, "call": "", "paused": name if accounts.is_paused(name) else ""}


def _class(found: dict[str, Any], *, call: str) -> Answer:
    if found["confidence"] < LEAST_CONFIDENCE:
        return Answer(
            EnrichmentStatus.NOT_FOUND,
            data=found,
            call=call,
            problem="The model is not sure enough.",
        )
    data = {**found, "detailed_category": DIVISIONS[found["division"]]}
    return Answer(EnrichmentStatus.DONE, data=data, matched_by="model", call=call)


def read(answer: dict[str, Any]) -> dict[str, Any]:
    """Return a class that there is; raise Unreadable for another."""
    division = str(answer.get("division", ""))[:2]
    if division not in DIVISIONS:
        raise Unreadable(f"division: there is no division {division!r}.")
    confidence = answer.get("confidence")
    if isinstance(confidence, bool) or not isinstance(confidence, int | float):
        raise Unreadable("confidence: it is no number.")
    return {
        "division": division,
        "confidence": min(max(float(confidence), 0.0), 1.0),
        "reason": str(answer.get("reason", ""))[:500],
    }
