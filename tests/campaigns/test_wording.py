"""The question before sending."""

from __future__ import annotations

from campaigns.wording import SKIPPED, confirmation, skipped_in_words
from messaging.audience import AudienceCount
from messaging.states import Reason


def test_it_says_how_many_how_long_and_who_is_left_out() -> None:
    count = AudienceCount(
        total=12_471, sendable=12_431, skipped={"suppressed": 12, "no_consent": 28}
    )

    assert confirmation(count, per_second=34.5) == (
        "Send to 12,431 people? About 6 minutes at this sender's rate "
        "(40 skipped: 28 without consent, 12 suppressed)."
    )


def test_it_says_nothing_of_skipping_where_nobody_is_skipped() -> None:
    count = AudienceCount(total=1, sendable=1, skipped={})

    assert confirmation(count, per_second=1) == (
        "Send to 1 person? A few seconds at this sender's rate."
    )


def test_a_sender_without_a_limit_promises_no_time() -> None:
    count = AudienceCount(total=50, sendable=50, skipped={})

    assert confirmation(count, per_second=None) == (
        "Send to 50 people? This sender has no rate limit."
    )


def test_reasons_with_no_people_are_not_told() -> None:
    assert skipped_in_words({"suppressed": 0, "no_address": 3}) == "3 without an address"


def test_every_reason_of_ours_reads_after_a_number() -> None:
    assert set(SKIPPED) == set(Reason.values) - {Reason.SCHEDULED}
