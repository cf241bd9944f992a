"""What an enricher says of a tender."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from tenders.states import EnrichmentStatus


@dataclass(frozen=True, slots=True)
class Answer:
    """An outcome, with what was found: `data` under our names (`detailed_category` is one), and the row as it came."""

    outcome: str
    data: dict[str, Any] = field(default_factory=dict)
    raw: Any = None
    matched_by: str = ""
    score: float | None = None
    problem: str = ""
    call: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def failed(problem: str) -> Answer:
    return Answer(EnrichmentStatus.FAILED, problem=problem[:500])
