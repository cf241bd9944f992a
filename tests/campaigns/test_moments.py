"""Reading the moment a campaign is to start."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from campaigns.moments import FIELD, check_future
from core import clock
from core.errors import Refused
from core.local_time import read_moment, zone_named

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def test_an_offset_of_its_own_wins_over_the_zone() -> None:
    moment = read_moment("2027-03-01T09:30+05:00", time_zone="Europe/Berlin", field=FIELD)

    assert moment.astimezone(UTC) == datetime(2027, 3, 1, 4, 30, tzinfo=UTC)


def test_a_time_without_offset_is_local_to_the_zone() -> None:
    moment = read_moment("2027-07-01 09:30", time_zone="Europe/Berlin", field=FIELD)

    assert moment.astimezone(UTC) == datetime(2027, 7, 1, 7, 30, tzinfo=UTC)


def test_text_that_is_no_time_is_refused_with_an_example() -> None:
    with pytest.raises(Refused) as refusal:
        read_moment("next tuesday", time_zone="UTC", field=FIELD)

    assert refusal.value.field == "scheduled_at"
    assert refusal.value.value == "next tuesday"
    assert "2027-03-01T09:30+01:00" in refusal.value.remedy


def test_a_local_time_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        read_moment("2027-03-28T02:30", time_zone="Europe/Berlin", field=FIELD)

    assert "does not exist in Europe/Berlin" in str(refusal.value)
    assert refusal.value.remedy == "Choose 03:30 or another time."


def test_a_local_time_that_comes_twice_means_its_first_coming() -> None:
    moment = read_moment("2027-10-31T02:30", time_zone="Europe/Berlin", field=FIELD)

    assert moment.astimezone(UTC) == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_an_unknown_zone_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        zone_named(name)

    assert refusal.value.field == "time_zone"
    assert refusal.value.value == name


def test_a_moment_that_has_passed_is_refused() -> None:
    with clock.travel(to=NOON), pytest.raises(Refused) as refusal:
        check_future(NOON)

    assert refusal.value.field == "scheduled_at"
    assert str(refusal.value).startswith("2027-03-01 12:00 UTC has passed; it is 12:00 now.")


def test_a_moment_to_come_is_accepted() -> None:
    with clock.travel(to=NOON):
        check_future(NOON.replace(minute=1))
