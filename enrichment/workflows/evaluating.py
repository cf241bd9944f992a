"""Durable work: two versions of a prompt against a golden set."""

from __future__ import annotations

from typing import Any

from core.errors import PermanentFailure
from enrichment import asking
from enrichment.evaluating import PURPOSE, Case, Score, cost_of_run
from enrichment.judging import judge
from enrichment.models import PromptVersion
from enrichment.states import Verdict
from jobs.context import RunContext
from jobs.models import Run
from jobs.registry import workflow
from jobs.retrying import Retry


@workflow("enrichment.evaluate_prompt", retry=Retry((30, 300)), concurrency=1)
def evaluate_prompt(
    run: RunContext, *, versions: list[str], cases: list[dict[str, Any]]
) -> dict[str, Any]:
    """Ask each version each question; an answer that cannot be read is not repaired, it counts against its version."""
    scores = []
    for place, name in enumerate(versions):
        version = PromptVersion.from_public_id(name)
        score = Score(version.number)
        for number, given in enumerate(cases, 1):
            case = Case(**given)
            call = asking.ask(
                run,
                f"version {version.number}, case {number}",
                purpose=PURPOSE,
                prompt=version,
                input=case.input,
            )
            judgement = judge(call.response or {})
            score.add(
                number, case, judgement.answer if judgement.verdict == Verdict.VALID else None
            )
            run.progress(place * len(cases) + number, len(versions) * len(cases), "asked")
        score.cost_micros = cost_of_run(Run.from_public_id(run.id).pk, version)
        scores.append(vars(score))
    if not scores:
        raise PermanentFailure("There is no version to ask.")
    return {"scores": scores}
