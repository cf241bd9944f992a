"""Having queries and briefs written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from core import audit, clock
from core.errors import Refused
from enrichment.actions.enhancing import HEAD_START
from enrichment.applying import what_is_known
from enrichment.briefs import LONGEST_GUIDE, LONGEST_KEYWORD, MOST_KEYWORDS, WRITE
from enrichment.composing import A_KEY, compose
from enrichment.models import SANDBOX, AiCall, Brief, Client, SearchQuery
from enrichment.prices import price_of
from enrichment.pricing import most_with_mending
from enrichment.profile import clean_text
from enrichment.prompts import version_of
from enrichment.providers.registry import provider_in_use
from enrichment.shipped.writing import MOST_QUERIES
from enrichment.states import BriefStatus, Intent, Platform
from jobs.actions import start_run
from jobs.models import Run

MOST_PER_INTENT = 10


def generate_queries(
    client: Client,
    *,
    keywords: Sequence[str],
    actor: str,
    count: int = 3,
    intents: Sequence[str] = (),
) -> Run:
    """Have `count` queries written for each keyword and intent, all eight unless said; one call per keyword."""
    wanted = list(dict.fromkeys(intents)) or Intent.values
    if unknown := set(wanted) - set(Intent.values):
        raise Refused(
            f"{min(unknown)!r} is no intent.",
            field="intents",
            value=wanted,
            remedy=f"There are: {', '.join(Intent.values)}.",
        )
    if not 1 <= count <= min(MOST_PER_INTENT, MOST_QUERIES // len(wanted)):
        raise Refused(
            f"{count} queries for each intent cannot be asked for.",
            field="count",
            value=count,
            remedy=f"Say 1 to {MOST_PER_INTENT}.",
        )
    given = {
        "client": client.public_id,
        "keywords": clean_keywords(keywords),
        "count": count,
        "intents": wanted,
    }
    check_price("search-queries")
    with transaction.atomic():
        run = start_run(
            "enrichment.generate_queries", input=given, actor=actor, priority=HEAD_START
        )
        audit.record("client.queries_started", client, actor=actor, run=run.public_id)
    return run


def most_for_a_keyword(client: Client) -> int:
    """Return the most that the queries of one keyword can cost; nothing where the sandbox answers. Raises Refused."""
    if provider_in_use() == SANDBOX:
        return 0
    version = version_of("search-queries")
    about = {
        "keyword": "?" * LONGEST_KEYWORD,
        "count": MOST_PER_INTENT,
        "intents": Intent.values,
        "company": what_is_known(client),
    }
    request = compose(version, about, key=A_KEY, purpose="clients.queries", name="search-queries")
    return most_with_mending(request, price_of(version.model))


def save_queries(
    client: Client, keyword: str, found: Sequence[dict[str, str]], *, call: AiCall
) -> int:
    """Keep queries that the client does not have yet; return how many were new."""
    known = set(client.queries.filter(keyword=keyword).values_list("text", flat=True))
    new = [each for each in found if each["text"] not in known]
    SearchQuery.objects.bulk_create(
        (SearchQuery(client=client, keyword=keyword, call=call, **each) for each in new),
        ignore_conflicts=True,
    )
    return len(new)


def create_brief(*, actor: str, **parts: Any) -> Brief:
    """Have a brief written of the parts that `draft_brief` takes; its run researches each platform, outlines and
    writes."""
    brief = draft_brief(**parts)
    brief.created_by = actor
    check_price(WRITE)
    with transaction.atomic():
        brief.save(force_insert=True)
        brief.run = start_run(
            "enrichment.write_brief",
            input={"brief": brief.public_id},
            actor=actor,
            priority=HEAD_START,
        )
        brief.save(update_fields=["run"])
        audit.record("brief.created", brief, actor=actor, run=brief.run.public_id)
    return brief


def draft_brief(
    *,
    title: str,
    keywords: Sequence[str],
    purpose: str,
    audience: str,
    platforms: Sequence[str],
    client: Client | None = None,
    style_guide: str = "",
    instructions: str = "",
) -> Brief:
    """Return a brief that nobody has ordered; raise Refused where it lacks something, or something is too long."""
    return Brief(
        client=client,
        title=_required("title", title, 200),
        keywords=clean_keywords(keywords),
        purpose=_required("purpose", purpose, 500),
        audience=_required("audience", audience, 500),
        platforms=_platforms(platforms),
        style_guide=_guide("style_guide", style_guide),
        instructions=_guide("instructions", instructions),
    )


def finish_brief(brief: Brief, *, research: Any, outline: Any, text: str, actor: str) -> str:
    """Keep what was written; a brief whose run had failed and was retried is ready, too."""
    Brief.objects.filter(pk=brief.pk).update(
        status=BriefStatus.READY,
        research=research,
        outline=outline,
        text=text,
        finished_at=clock.now(),
    )
    audit.record("brief.written", brief, actor=actor)
    return BriefStatus.READY


def fail_brief(brief: Brief) -> None:
    Brief.objects.filter(pk=brief.pk, status=BriefStatus.PENDING).update(status=BriefStatus.FAILED)


def check_price(prompt: str) -> None:
    """Refuse what could not be paid for, before anything is started."""
    if provider_in_use() != SANDBOX:
        price_of(version_of(prompt).model)


def clean_keywords(keywords: Sequence[str]) -> list[str]:
    """Return keywords trimmed, each once; raise Refused for too many, too long ones, or none."""
    texts = [clean_text(each, field="keywords") for each in keywords]
    cleaned = list({text.casefold(): text for text in texts if text}.values())
    too_long = [text for text in cleaned if len(text) > LONGEST_KEYWORD]
    if not 1 <= len(cleaned) <= MOST_KEYWORDS or too_long:
        raise Refused(
            f"{too_long[0][:40]!r}… is too long for a keyword."
            if too_long
            else f"{len(cleaned)} keywords cannot be asked about.",
            field="keywords",
            value=len(cleaned),
            remedy=f"Give 1 to {MOST_KEYWORDS}, of {LONGEST_KEYWORD} letters at most.",
        )
    return cleaned


def _platforms(platforms: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(platforms))
    if not wanted or set(wanted) - set(Platform.values):
        raise Refused(
            "A brief is for one platform or more.",
            field="platforms",
            value=wanted,
            remedy=f"There are: {', '.join(Platform.values)}.",
        )
    return wanted


def _required(name: str, text: str, longest: int) -> str:
    cleaned = " ".join(text.replace("\0", "").split())
    if not 1 <= len(cleaned) <= longest:
        raise Refused(
            f"A brief needs its {name}, of {longest} letters at most.", field=name, value=text[:60]
        )
    return cleaned


def _guide(name: str, text: str) -> str:
    cleaned = text.replace("\0", "").strip()
    if len(cleaned) > LONGEST_GUIDE:
        raise Refused(
            f"The {name.replace('_', ' ')} of a brief has {LONGEST_GUIDE:,} letters at most.",
            field=name,
            value=len(cleaned),
            remedy="Shorten it: each of them is paid for.",
        )
    return cleaned
