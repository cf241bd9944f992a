"""A benchmark says what is missed: no row passes that is not measured, and no peer is flattered."""

from __future__ import annotations

import pytest

from bench.bars import at_least, at_most, judge
from bench.engine.rows import ROWS, Results, figures_of

RUNS = next(row for row in ROWS if row.key == "runs 1")
LATE = next(row for row in ROWS if row.key == "sleeps p95 2")


def results(**figures: list[float]) -> Results:
    """Runs a second with one worker, by engine, round after round."""
    made = Results()
    for engine, rounds in figures.items():
        for figure in rounds:
            made.add(engine, {"runs": figure}, workers=1)
    return made


def bar_of(made: Results, title: str) -> bool:
    return next(bar.is_met for bar in made.bars() if bar.what.startswith(f"{title}:"))


def test_a_rate_is_held_against_the_better_peer_by_medians():
    made = results(ours=[300, 1, 310], dbos=[50, 60, 70], absurd=[190, 999, 200])
    assert made.times(RUNS) == 300 / 200
    assert bar_of(made, RUNS.title)


def test_a_rate_must_be_half_as_much_again():
    assert not bar_of(results(ours=[299], absurd=[200]), RUNS.title)


def test_of_a_lateness_the_least_is_the_better():
    made = Results()
    for engine, late in {"ours": 20.0, "dbos": 90.0, "absurd": 25.0}.items():
        made.add(engine, {"sleeps p95": late}, workers=2)
    assert made.times(LATE) == 25 / 20
    assert bar_of(made, LATE.title)


def test_a_row_that_was_not_measured_is_a_bar_missed():
    assert not bar_of(results(dbos=[1.0]), RUNS.title)


def test_enqueueing_counts_in_what_was_drained_and_not_in_what_was_enqueued_already():
    answer = {"seconds": 2.0, "enqueueing": 3.0}
    assert figures_of("runs", answer, count=1000) == {"runs": 500.0, "drained": 200.0}


def test_lateness_is_told_in_milliseconds():
    answer = {"late": [0.001] * 19 + [0.002]}
    figures = figures_of("starts", answer, count=20)
    assert figures["starts p50"] == 1.0
    assert figures["starts p95"] == pytest.approx(1.95)


@pytest.mark.parametrize(
    ("bar", "code", "said"),
    [
        (at_most(1.2, 1.2, "1.2 times"), 0, "figures\n"),
        (at_most(1.3, 1.2, "1.3 times"), 1, "MISSED: 1.3 times, bar 1.2\nfigures\n"),
        (at_least(9, 10, "9 a second"), 1, "MISSED: 9 a second, bar 10\nfigures\n"),
    ],
)
def test_what_is_missed_is_said_and_is_the_exit_code(bar, code, said, capsys):
    assert judge([bar], line="figures") == code
    assert capsys.readouterr().out == said
