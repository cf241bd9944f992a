"""Durable work: queries keyword by keyword, and briefs from research to text."""

from __future__ import annotations

from typing import Any

from enrichment import asking
from enrichment.actions.writing import fail_brief, finish_brief, save_queries
from enrichment.applying import what_is_known
from enrichment.briefs import BRIEFS, OUTLINE, RESEARCH, WRITE, subject_of
from enrichment.models import Brief, Client
from enrichment.prompts import version_of
from enrichment.writing import read_brief, read_lists, read_outline, read_queries
from jobs.children import ChildFailed
from jobs.context import RunContext
from jobs.flow import Concurrency
from jobs.models import Run
from jobs.registry import workflow
from jobs.retrying import Retry

TWICE = Retry((30, 300))
QUERIES = "clients.queries"
RESEARCHED = ("questions", "what_is_cited", "must_contain")


@workflow("enrichment.generate_queries")
def generate_queries(
    run: RunContext, *, client: str, keywords: list[str], count: int, intents: list[str]
) -> dict[str, Any]:
    """Ask for the queries of each keyword, a run each. One that fails is named; its run can be retried alone."""
    shared = {"client": client, "count": count, "intents": intents, "within": run.id}
    given = [{**shared, "keyword": keyword} for keyword in keywords]
    told = run.map("keywords", "enrichment.queries_of_keyword", given, failures="keep")
    failed = [
        word for word, each in zip(keywords, told, strict=True) if isinstance(each, ChildFailed)
    ]
    new = sum(each for each in told if isinstance(each, int))
    return {"new": new, "failed": failed}


@workflow("enrichment.queries_of_keyword", retry=TWICE, concurrency=3)
def queries_of_keyword(
    run: RunContext, *, client: str, keyword: str, count: int, intents: list[str], within: str = ""
) -> int:
    """Ask for the queries of one keyword, and keep those that are new."""
    asked = Client.from_public_id(client)
    about = {
        "keyword": keyword,
        "count": count,
        "intents": intents,
        "company": what_is_known(asked),
    }
    found, call = asking.answer(
        run,
        "ask for queries",
        purpose=QUERIES,
        subject=client,
        client=asked,
        within=within,
        prompt=version_of("search-queries"),
        input=about,
        read=lambda answer: read_queries(answer, intents=intents, count=count),
    )
    new: int = run.transaction(
        "save queries", lambda: save_queries(asked, keyword, found, call=call)
    )
    return new


@workflow("enrichment.write_brief", retry=TWICE, on_failure="enrichment.brief_failed")
def write_brief(run: RunContext, *, brief: str) -> str:
    """Write a brief: research per platform in parallel, then the outline, then the text."""
    asked = Brief.from_public_id(brief)
    given = [{"brief": brief, "platform": each, "within": run.id} for each in asked.platforms]
    told = run.map("research", "enrichment.research_platform", given)
    research = dict(zip(asked.platforms, told, strict=True))
    run.progress(1, 3, "researched")
    shared: dict[str, Any] = {"purpose": BRIEFS, "subject": brief, "client": asked.client}
    about = subject_of(asked) | {"research": research}
    outline, _ = asking.answer(
        run, "outline", prompt=version_of(OUTLINE), input=about, read=read_outline, **shared
    )
    run.progress(2, 3, "outlined")
    about |= {"outline": outline, "style_guide": asked.style_guide}
    text, _ = asking.answer(
        run,
        "write",
        prompt=version_of(WRITE),
        input=about | {"custom_instructions": asked.instructions},
        read=read_brief,
        **shared,
    )
    status: str = run.transaction(
        "finish",
        lambda: finish_brief(asked, research=research, outline=outline, text=text, actor=run.actor),
    )
    run.progress(3, 3, "written")
    return status


@workflow("enrichment.research_platform", retry=TWICE, concurrency=(Concurrency(3),))
def research_platform(run: RunContext, *, brief: str, platform: str, within: str) -> Any:
    """Ask how a text is found on one platform."""
    asked = Brief.from_public_id(brief)
    found, _ = asking.answer(
        run,
        "research",
        purpose=BRIEFS,
        subject=brief,
        client=asked.client,
        within=within,
        prompt=version_of(RESEARCH),
        input=subject_of(asked) | {"platform": platform},
        read=lambda answer: read_lists(answer, *RESEARCHED),
    )
    return found


@workflow("enrichment.brief_failed")
def brief_failed(
    this: RunContext, /, *, run: str, input: dict[str, Any], error: dict[str, Any]
) -> None:
    """Mark the brief of a failed run as failed, unless the run was retried meanwhile."""
    if Run.from_public_id(run).status == Run.Status.FAILED:
        fail_brief(Brief.from_public_id(input["brief"]))
