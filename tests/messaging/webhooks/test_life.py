"""A message's life depends on what happened to it, and never on the order in which we heard of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from messaging.life import FORWARD, MOMENTS, Happening, Life, Stage

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


happenings = st.builds(
    Happening,
    stage=st.sampled_from(Stage),
    at=st.integers(0, 90).map(at),
    reason=st.sampled_from(["", "Permanent, General", "Transient, MailboxFull", "x" * 300]),
)


@given(
    st.lists(happenings, max_size=12).flatmap(
        lambda told: st.tuples(st.just(told), st.permutations(told))
    )
)
def test_every_order_gives_the_same_life(both: tuple[list[Happening], list[Happening]]) -> None:
    told, shuffled = both

    assert Life().after(told) == Life().after(shuffled)


@given(st.lists(happenings, max_size=8))
def test_hearing_everything_twice_changes_nothing(told: list[Happening]) -> None:
    assert Life().after(told).after(told) == Life().after(told)


def test_a_late_sent_never_overwrites_delivered() -> None:
    life = Life().after([Happening(Stage.DELIVERED, at(2)), Happening(Stage.SENT, at(9))])

    assert life == Life(delivery="delivered", moments={Stage.DELIVERED: at(2)})


def test_the_first_opening_counts() -> None:
    life = Life().after([Happening(Stage.OPENED, at(7)), Happening(Stage.OPENED, at(3))])

    assert life.moments == {Stage.OPENED: at(3)}


def test_a_complaint_may_follow_a_delivery_and_both_stand() -> None:
    life = Life().after([Happening(Stage.COMPLAINED, at(60)), Happening(Stage.DELIVERED, at(1))])

    assert life == Life(
        delivery="delivered",
        trouble="complained",
        moments={Stage.COMPLAINED: at(60), Stage.DELIVERED: at(1)},
    )


def test_the_gravest_troubles_reason_stands() -> None:
    life = Life().after(
        [
            Happening(Stage.BOUNCED, at(3), "Permanent, NoEmail"),
            Happening(Stage.FAILED, at(1), "reached_daily_quota"),
        ]
    )

    assert life.trouble == "bounced: Permanent, NoEmail"
    assert life.moments == {Stage.BOUNCED: at(3), Stage.FAILED: at(1)}


def test_the_stages_stand_in_their_order() -> None:
    assert [stage.value for stage in FORWARD] == [
        "queued",
        "sending",
        "sent",
        "delivered",
        "opened",
        "clicked",
    ]
    assert set(Stage) == {*FORWARD, *MOMENTS}
