"""What is compared, and what must come out of it: pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum
from statistics import median, quantiles

from bench.bars import Bar
from bench.engine.scenarios import Figures

TIMES_FASTER = 1.5
OURS = "ours"


class Kind(Enum):
    """How a row is judged."""

    RATE = "more is better, and ours must be at least half as much again as the better peer's"
    LATENESS = "less is better, and ours must be the least"
    REPORTED = "nothing is asked of it"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    key: str
    title: str
    unit: str
    kind: Kind


ROWS = [
    Row("steps 1", "one run of 1,000 steps", "steps/s", Kind.RATE),
    Row("transactions 1", "the same with database steps", "steps/s", Kind.RATE),
    Row("runs 1", "1,000 runs of 3 steps, 1 worker", "runs/s", Kind.RATE),
    Row("runs 2", "1,000 runs of 3 steps, 2 workers", "runs/s", Kind.RATE),
    Row("drained 1", "enqueued and drained, 1 worker", "runs/s", Kind.RATE),
    Row("drained 2", "enqueued and drained, 2 workers", "runs/s", Kind.RATE),
    Row("fan_out 1", "1,000 children and join, 1 worker", "children/s", Kind.RATE),
    Row("fan_out 2", "1,000 children and join, 2 workers", "children/s", Kind.RATE),
    Row("starts p50 1", "from start to first step, p50", "ms", Kind.LATENESS),
    Row("starts p95 1", "from start to first step, p95", "ms", Kind.LATENESS),
    Row("sleeps p95 2", "200 sleepers wake late, p95", "ms", Kind.LATENESS),
    Row("memory 1", "memory, 1 worker (PSS)", "MB", Kind.REPORTED),
    Row("memory 2", "memory, 2 workers (PSS)", "MB", Kind.REPORTED),
]


def p95(values: list[float]) -> float:
    return quantiles(values, n=20)[18]


def figures_of(scenario: str, answer: Figures, *, count: int) -> dict[str, float]:
    """Return what one answer of one scenario says, by the first words of its rows' keys."""
    if "late" in answer:
        late = [1000 * each for each in answer["late"]]
        return {f"{scenario} p50": median(late), f"{scenario} p95": p95(late)}
    figures = {scenario: count / answer["seconds"]}
    if "enqueueing" in answer:
        figures["drained"] = count / (answer["enqueueing"] + answer["seconds"])
    return figures


class Results:
    """Every figure of every round, by engine and row."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, engine: str, figures: dict[str, float], *, workers: int) -> None:
        for name, figure in figures.items():
            self._figures[engine, f"{name} {workers}"].append(figure)

    def median(self, engine: str, row: Row) -> float | None:
        """Return an engine's figure, or None where it has no such thing."""
        figures = self._figures.get((engine, row.key))
        return median(figures) if figures else None

    def spread(self, engine: str, row: Row) -> float:
        """Return the greatest over the least of the rounds: how noisy it was."""
        figures = self._figures[engine, row.key]
        return max(figures) / min(figures)

    def better_peer(self, row: Row) -> float | None:
        peers = {engine for engine, key in self._figures if key == row.key} - {OURS}
        found = [figure for peer in peers if (figure := self.median(peer, row)) is not None]
        best = min if row.kind is Kind.LATENESS else max
        return best(found) if found else None

    def times(self, row: Row) -> float | None:
        """Return by what factor we are better than the better peer; less than 1 is worse."""
        ours, peer = self.median(OURS, row), self.better_peer(row)
        if ours is None or peer is None:
            return None
        return peer / ours if row.kind is Kind.LATENESS else ours / peer

    def bars(self) -> list[Bar]:
        """Every row against its peers; a row of ours that could not be measured is a bar missed."""
        return [self._bar(row) for row in ROWS if row.kind is not Kind.REPORTED]

    def _bar(self, row: Row) -> Bar:
        times = self.times(row)
        if times is None:
            return Bar(f"{row.title}: not measured", is_met=False)
        what = f"{row.title}: {times:.2f} times as good as the better peer"
        if row.kind is Kind.RATE:
            return Bar(f"{what}, bar {TIMES_FASTER}", times >= TIMES_FASTER)
        return Bar(f"{what}, must be more than 1", times > 1)
