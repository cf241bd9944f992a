"""The one table of moves."""

from __future__ import annotations

from campaigns.states import TRANSITIONS, Status


def reaches(target: Status) -> set[Status]:
    return {status for status, onward in TRANSITIONS.items() if target in onward}


def test_every_status_stands_in_the_table() -> None:
    assert set(TRANSITIONS) == set(Status)


def test_sent_and_cancelled_are_the_ends() -> None:
    ends = {status for status, onward in TRANSITIONS.items() if not onward}

    assert ends == {Status.SENT, Status.CANCELLED}


def test_sending_starts_from_draft_schedule_pause_or_a_retried_failure() -> None:
    assert reaches(Status.SENDING) == {
        Status.DRAFT,
        Status.SCHEDULED,
        Status.PAUSED,
        Status.FAILED,
    }


def test_only_a_schedule_goes_back_to_draft() -> None:
    assert reaches(Status.DRAFT) == {Status.SCHEDULED}
