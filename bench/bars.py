"""What a benchmark must reach, and its last words: what was missed, then one line of figures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """One figure beside the bar it must keep to."""

    what: str
    is_met: bool


def at_most(value: float, bar: float, what: str) -> Bar:
    """A figure that must not be greater; `what` names it, with its value and unit."""
    return Bar(f"{what}, bar {bar:g}", value <= bar)


def at_least(value: float, bar: float, what: str) -> Bar:
    """A figure that must not be smaller."""
    return Bar(f"{what}, bar {bar:g}", value >= bar)


def judge(bars: list[Bar], *, line: str) -> int:
    """Print what was missed and then the line of figures; return the exit code."""
    missed = [bar for bar in bars if not bar.is_met]
    for bar in missed:
        say(f"MISSED: {bar.what}")
    say(line)
    return 1 if missed else 0


def say(text: str) -> None:
    print(text, flush=True)
