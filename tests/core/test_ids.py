"""Public ids: short, typed, reversible, and refused when they are none."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotFound
from core.ids import decode, encode, uuid7


@given(st.integers(min_value=0, max_value=(1 << 128) - 1))
def test_decoding_returns_what_was_encoded(number: int) -> None:
    assert decode("run", encode("run", number)) == number


def test_a_uuid_and_its_number_have_the_same_public_form() -> None:
    key = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")

    assert encode("cmp", key) == encode("cmp", key.int)
    assert uuid.UUID(int=decode("cmp", encode("cmp", key))) == key


@pytest.mark.parametrize("text", ["", "run_", "cmp_1", "run_!", "run_ilou", "run_" + "1" * 27, "1"])
def test_what_is_no_id_of_this_kind_is_not_found(text: str) -> None:
    with pytest.raises(NotFound) as refusal:
        decode("run", text)

    assert refusal.value.value == text
    assert refusal.value.remedy == "An id here looks like run_…."


def test_new_ids_carry_their_version_and_the_order_of_time() -> None:
    first = uuid7()
    later = uuid7()

    assert first.version == 7
    assert first.variant == uuid.RFC_4122
    assert first.int >> 80 <= later.int >> 80
