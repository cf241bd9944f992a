"""An event is found by its name and its values at some paths, spelt in one way only."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.events.keys import fits, key_of, keys_of, signature_of


def test_a_key_without_paths_is_the_name():
    assert key_of("order.paid", {}) == "order.paid"


def test_a_key_names_the_values_in_the_order_of_their_paths():
    assert key_of("order.paid", {"b": "x", "a.id": 7}) == 'order.paid?{"a.id":7,"b":"x"}'


def test_a_long_key_is_kept_short():
    assert len(key_of("order.paid", {"text": "x" * 500})) == 64


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        (7.0, 7),
        ({"b": 1, "a": [2.0]}, {"a": [2], "b": 1}),
        ("5f0c5d9e-0b1d-7000-8000-000000000000",) * 2,
    ],
)
def test_equal_values_have_equal_keys(kept, asked):
    assert fits({"value": kept}, {"value": asked})


@pytest.mark.parametrize(
    ("kept", "asked"), [(True, 1), (0, False), ("7", 7), (None, 0), ("", None), ([1, 2], [2, 1])]
)
def test_values_that_json_tells_apart_have_different_keys(kept, asked):
    assert not fits({"value": kept}, {"value": asked})


def test_what_json_cannot_hold_is_compared_as_it_is_sent():
    number = UUID(int=7)

    assert fits({"client": str(number)}, {"client": number})


def test_a_path_that_leads_nowhere_has_no_key():
    assert keys_of("order.paid", {"a": {"b": None}}, [["a.c"], ["a.b"], []]) == {
        'order.paid?{"a.b":null}',
        "order.paid",
    }


@given(st.permutations(["a", "b.c", "d"]))
def test_a_shape_is_the_set_of_its_paths(paths):
    assert signature_of(paths) == signature_of(["a", "b.c", "d"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(json_values)
def test_an_event_is_found_by_the_very_value_it_carries(value):
    assert key_of("n", {"v": value}) in keys_of("n", {"v": value}, [["v"]])
