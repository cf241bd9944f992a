"""Clients and their competitors, as staff write them."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from core import audit, clock
from core.errors import Conflict, Refused
from enrichment.domains import normalise_domain
from enrichment.models import Client, Competitor
from enrichment.states import Mode, Source

LONGEST_NAME = 200
LONGEST_TEXT = 100_000


def create_client(
    *, name: str, actor: str, domain: str = "", web_text: str = "", mode: str = Mode.AUTO
) -> Client:
    """Create a client; raise Conflict where another has the domain, Refused where a value may not be."""
    cleaned = _clean(name=name, domain=domain, web_text=web_text, mode=mode)
    client = Client(**cleaned, created_by=actor)
    try:
        with transaction.atomic():
            client.save(force_insert=True)
            audit.record("client.created", client, actor=actor)
    except IntegrityError:
        raise _domain_is_taken(client.domain) from None
    return client


def update_client(client: Client, *, actor: str, **changes: Any) -> Client:
    """Change name, domain, text or mode; raises as `create_client`."""
    cleaned = _clean(**changes)
    try:
        with transaction.atomic():
            Client.objects.filter(pk=client.pk).update(**cleaned, updated_at=clock.now())
            audit.record("client.updated", client, actor=actor, fields=sorted(cleaned))
    except IntegrityError:
        raise _domain_is_taken(cleaned["domain"]) from None
    client.refresh_from_db()
    return client


@transaction.atomic
def delete_client(client: Client, *, actor: str) -> None:
    """Delete a client with all that is known of it; what was paid for it stays in the ledger."""
    audit.record("client.deleted", client, actor=actor)
    client.delete()


def add_competitor(client: Client, *, name: str, domain: str, actor: str) -> Competitor:
    """Name a competitor by hand; one that AI named becomes a person's, one that was dismissed comes back."""
    found = normalise_domain(domain)
    if found == client.domain:
        raise Refused(
            f"{found} is the client's own domain.",
            field="domain",
            value=domain,
            remedy="Give the domain of another company.",
        )
    with transaction.atomic():
        competitor, _ = Competitor.objects.update_or_create(
            client=client,
            domain=found,
            defaults={
                "name": _clean_name(name),
                "source": Source.HUMAN,
                "dismissed_at": None,
                "updated_at": clock.now(),
            },
            create_defaults={
                "name": _clean_name(name),
                "source": Source.HUMAN,
                "created_by": actor,
            },
        )
        audit.record("competitor.added", competitor, actor=actor, client=client.public_id)
    return competitor


@transaction.atomic
def dismiss_competitor(competitor: Competitor, *, actor: str) -> None:
    """Say that it is none: it stays away, whatever an answer names. Raises Conflict where that was said."""
    standing = Competitor.objects.filter(pk=competitor.pk, dismissed_at=None)
    if not standing.update(dismissed_at=clock.now(), updated_at=clock.now()):
        raise Conflict(f"{competitor.domain} was dismissed already.", value=competitor.public_id)
    competitor.refresh_from_db()
    audit.record("competitor.dismissed", competitor, actor=actor)


def _clean(**given: Any) -> dict[str, Any]:
    cleaned = dict(given)
    if "name" in given:
        cleaned["name"] = _clean_name(given["name"])
    if "domain" in given:
        cleaned["domain"] = normalise_domain(given["domain"]) if given["domain"] else None
    if "web_text" in given:
        cleaned["web_text"] = _clean_text(given["web_text"])
    if "mode" in given and given["mode"] not in Mode.values:
        raise Refused(
            f"{given['mode']!r} is no mode.",
            field="mode",
            value=given["mode"],
            remedy=f"There are: {', '.join(Mode.values)}.",
        )
    return cleaned


def _clean_name(name: str) -> str:
    cleaned = " ".join(str(name).split())
    if not cleaned or len(cleaned) > LONGEST_NAME or "\0" in cleaned:
        raise Refused(
            "A name has 1 to 200 letters.", field="name", value=name[:60], remedy="Name it."
        )
    return cleaned


def _clean_text(text: str) -> str:
    cleaned = text.replace("\0", "").strip()
    if len(cleaned) > LONGEST_TEXT:
        raise Refused(
            f"The text has {len(cleaned):,} letters.",
            field="web_text",
            remedy=f"Keep it to {LONGEST_TEXT:,}: each of them is paid for.",
        )
    return cleaned


def _domain_is_taken(domain: str | None) -> Conflict:
    return Conflict(
        f"There is already a client with the domain {domain}.",
        field="domain",
        value=domain,
        remedy="Use that client, or give another domain.",
        code="domain_taken",
    )
