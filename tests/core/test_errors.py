"""Refusals name the field, the value and the remedy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import clock
from core.errors import Conflict, NotAllowed, NotFound, Refused, RetryAfter


def test_a_refusal_reads_as_message_and_remedy() -> None:
    refusal = Refused("The list is empty.", field="lists", value="lst_1", remedy="Add people.")

    assert str(refusal) == "The list is empty. Add people."
    assert (refusal.field, refusal.value, refusal.code) == ("lists", "lst_1", "refused")


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (Refused, "refused", 422),
        (Conflict, "conflict", 409),
        (NotAllowed, "not_allowed", 403),
        (NotFound, "not_found", 404),
    ],
)
def test_each_kind_has_its_code_and_status(kind: type[Refused], code: str, status: int) -> None:
    assert (kind("No.").code, kind("No.").status) == (code, status)


def test_retry_after_seconds_is_a_moment_of_the_business_clock() -> None:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with clock.travel(to=noon):
        assert RetryAfter(seconds=90).until == noon + timedelta(seconds=90)
