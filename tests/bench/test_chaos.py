"""What a trial under fire must have done to prove what it says."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.chaos.__main__ import is_whole
from bench.chaos.trial import Report


@pytest.mark.parametrize(
    ("kills", "whole"),
    [
        ({"worker after acceptance": 20, "busy worker": 30}, True),
        ({"worker after acceptance": 20, "busy worker": 29}, False),
        ({"worker after acceptance": 19, "busy worker": 31}, False),
    ],
)
def test_a_trial_with_too_few_kills_proves_too_little(kills: dict[str, int], whole: bool) -> None:
    report = Report(people=36_000, kills=Counter(kills))

    assert is_whole(report) is whole


def test_a_trouble_over_its_bar_fails_the_trial() -> None:
    report = Report(people=2, bars={"pusher killed": 10.0}, is_sent=True)
    report.healed["pusher killed"] = [0.5, 10.5]

    assert (report.missed, report.is_passed) == (["pusher killed"], False)
