"""Durations in words and on a clock."""

from __future__ import annotations

import pytest

from core.durations import in_words, on_a_clock


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "a few seconds"),
        (11, "about 20 seconds"),
        (90, "about 2 minutes"),
        (372, "about 6 minutes"),
        (6 * 3600, "about 6 hours"),
        (5.5 * 3600, "about 5.5 hours"),
        (72 * 3600, "about 3 days"),
    ],
)
def test_durations_are_told_as_people_tell_them(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(("seconds", "clock"), [(7, "0:07"), (760.9, "12:40"), (11109, "3:05:09")])
def test_elapsed_time_reads_like_a_stopwatch(seconds: float, clock: str) -> None:
    assert on_a_clock(seconds) == clock
