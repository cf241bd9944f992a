"""The tables of moves: what is proven stays proven, and every open end leads on."""

from __future__ import annotations

from tenders.states import (
    ENRICHMENT_TRANSITIONS,
    GAPS,
    TRANSITIONS,
    EnrichmentStatus,
    WindowStatus,
    leading_to,
)


def test_every_status_has_its_moves():
    assert set(TRANSITIONS) == set(WindowStatus)
    assert set(ENRICHMENT_TRANSITIONS) == set(EnrichmentStatus)


def test_a_proven_window_is_never_a_gap_again():
    assert TRANSITIONS[WindowStatus.COMPLETE] == frozenset()
    assert TRANSITIONS[WindowStatus.SPLIT] == frozenset()
    assert leading_to(WindowStatus.COMPLETE) == [WindowStatus.FETCHING]


def test_every_gap_can_be_given_up_and_taken_up_again():
    assert set(leading_to(WindowStatus.CLOSED)) == set(GAPS)
    assert TRANSITIONS[WindowStatus.CLOSED] == {WindowStatus.OPEN}


def test_what_has_been_enriched_is_lost_to_no_failure():
    assert ENRICHMENT_TRANSITIONS[EnrichmentStatus.DONE] == {EnrichmentStatus.DONE}
