"""The one table of moves."""

from __future__ import annotations

from campaigns.states import OVER, TRANSITIONS, Status, sources


def test_every_status_stands_in_the_table() -> None:
    assert set(TRANSITIONS) == set(Status)


def test_sent_and_cancelled_are_the_ends() -> None:
    assert {Status.SENT, Status.CANCELLED} == OVER


def test_sending_starts_from_draft_schedule_pause_or_a_retried_failure() -> None:
    assert sources(Status.SENDING) == [
        Status.DRAFT,
        Status.SCHEDULED,
        Status.PAUSED,
        Status.FAILED,
    ]


def test_only_a_schedule_goes_back_to_draft() -> None:
    assert sources(Status.DRAFT) == [Status.SCHEDULED]
