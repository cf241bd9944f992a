"""A golden set: questions whose right answers are known, asked of two versions of a prompt. Scoring is pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.errors import NotFound, Refused
from enrichment.composing import A_KEY, compose
from enrichment.models import SANDBOX, AiCall, Prompt, PromptVersion
from enrichment.prices import price_of
from enrichment.pricing import most_for
from enrichment.prompts import version_of
from enrichment.providers.registry import provider_in_use
from jobs.actions import start_run
from jobs.models import Run

PURPOSE = "prompts.evaluate"
MOST_CASES = 500
MOST_MISSES = 20


@dataclass(frozen=True)
class Case:
    """One question, and what a right answer holds: by member, a value or a list of which each must be there."""

    input: dict[str, Any]
    expected: dict[str, Any]


@dataclass
class Score:
    """How a version did."""

    version: int
    right: int = 0
    of: int = 0
    unreadable: int = 0
    cost_micros: int = 0
    misses: list[str] = field(default_factory=list)

    def add(self, number: int, case: Case, answer: Mapping[str, Any] | None) -> None:
        """Count one answer; None is one that could not be read."""
        self.unreadable += answer is None
        for name, wanted in case.expected.items():
            told = (answer or {}).get(name)
            self.of += 1
            if is_right(told, wanted):
                self.right += 1
            elif len(self.misses) < MOST_MISSES:
                self.misses.append(f"case {number}, {name}: {told!r} instead of {wanted!r}")


@dataclass(frozen=True)
class Estimate:
    """What comparing two versions costs at most; nothing where the sandbox answers."""

    calls: int
    at_most: int
    is_sandbox: bool


def is_right(told: Any, wanted: Any) -> bool:
    """Tell whether an answer holds what is wanted: texts in any case, lists in any order and with more beside."""
    if isinstance(wanted, list):
        entries = told if isinstance(told, list) else [told]
        return all(any(is_right(each, one) for each in entries) for one in wanted)
    if isinstance(wanted, str):
        return isinstance(told, str) and told.strip().casefold() == wanted.strip().casefold()
    return bool(told == wanted)


def read_cases(text: str) -> list[Case]:
    """Return the cases of a file of JSON lines; raise Refused naming the line that is none."""
    cases = [
        _case(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()
    ]
    if not 1 <= len(cases) <= MOST_CASES:
        raise Refused(
            f"A golden set has 1 to {MOST_CASES} cases, not {len(cases)}.", field="golden"
        )
    return cases


def _case(number: int, line: str) -> Case:
    try:
        given = json.loads(line)
        if isinstance(given["input"], dict) and isinstance(given["expected"], dict):
            return Case(given["input"], given["expected"])
    except (ValueError, KeyError, TypeError):
        pass
    raise Refused(
        f"Line {number} is no case.",
        field="golden",
        value=line[:80],
        remedy='Write {"input": {…}, "expected": {…}} on each line.',
    )


def compare(
    name: str, cases: Sequence[Case], *, actor: str, versions: Sequence[int] | None = None
) -> Run:
    """Start asking two versions, the last two unless said; raise Refused where there are none, or no price."""
    chosen = _versions(name, versions)
    cost_at_most(chosen, cases)
    given = {
        "versions": [version.public_id for version in chosen],
        "cases": [asdict(case) for case in cases],
    }
    return start_run("enrichment.evaluate_prompt", input=given, actor=actor)


def estimate(
    name: str, cases: Sequence[Case], *, versions: Sequence[int] | None = None
) -> Estimate:
    """Return what comparing would cost, without asking anybody; raises as `compare`."""
    chosen = _versions(name, versions)
    at_most = cost_at_most(chosen, cases)
    return Estimate(len(chosen) * len(cases), at_most, is_sandbox=provider_in_use() == SANDBOX)


def cost_at_most(versions: Sequence[PromptVersion], cases: Sequence[Case]) -> int:
    """Return the most that asking all of it can cost; raise Refused where a model has no price."""
    if provider_in_use() == SANDBOX:
        return 0
    return sum(_most_of(version, cases) for version in versions)


def _most_of(version: PromptVersion, cases: Sequence[Case]) -> int:
    price = price_of(version.model)
    requests = (
        compose(version, case.input, key=A_KEY, purpose=PURPOSE, name=version.prompt.name)
        for case in cases
    )
    return sum(most_for(request, price) for request in requests)


def _versions(name: str, wanted: Sequence[int] | None) -> list[PromptVersion]:
    version_of(name)  # installs a shipped one, or says that there is none
    found = {each.number: each for each in Prompt.objects.get(name=name).versions.all()}
    numbers = list(wanted) if wanted else sorted(found)[-2:]
    if missing := [number for number in numbers if number not in found]:
        raise NotFound(f"{name} has no version {missing[0]}.", field="versions", value=missing[0])
    if len(numbers) < 2:
        raise Refused(
            f"{name} has one version, and comparing needs two.",
            field="versions",
            remedy="Save another under Prompts.",
        )
    if len(set(numbers)) < 2:
        raise Refused(
            f"Version {numbers[0]} cannot be compared with itself.",
            field="versions",
            value=numbers,
            remedy="Name two versions.",
        )
    return [found[number] for number in numbers]


def cost_of_run(run_id: Any, version: PromptVersion) -> int:
    paid = AiCall.objects.paid().filter(run=run_id, prompt_version=version)
    return sum(paid.values_list("cost_micros", flat=True))
