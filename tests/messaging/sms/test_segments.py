"""What an SMS is billed as, to the character (GSM 03.38 and 03.40)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from messaging.segments import BASIC, EXTENDED, Segments, cost_in_words, estimate, segments_of


@pytest.mark.parametrize(
    ("text", "encoding", "units", "count", "left"),
    [
        ("", "GSM-7", 0, 1, 160),
        ("a" * 160, "GSM-7", 160, 1, 0),
        ("a" * 161, "GSM-7", 161, 2, 145),
        ("a" * 306, "GSM-7", 306, 2, 0),
        ("a" * 307, "GSM-7", 307, 3, 152),
        ("€" * 80, "GSM-7", 160, 1, 0),
        ("€" * 81, "GSM-7", 162, 2, 143),
        # The 153rd place of the first segment stays empty: € is not cut in two.
        ("a" * 152 + "€" + "a" * 10, "GSM-7", 164, 2, 141),
        ("é" * 160, "GSM-7", 160, 1, 0),
        ("ê" + "a" * 69, "UCS-2", 70, 1, 0),
        ("ê" + "a" * 70, "UCS-2", 71, 2, 63),
        ("ê" + "a" * 133, "UCS-2", 134, 2, 0),
        ("ê" + "a" * 134, "UCS-2", 135, 3, 66),
        ("😀" * 35, "UCS-2", 70, 1, 0),
        ("😀" * 36, "UCS-2", 72, 2, 61),
        # 67 is odd, so an emoji never fills a segment's last place.
        ("😀" * 67, "UCS-2", 134, 3, 65),
        ("Line one\nline two\r\n", "GSM-7", 19, 1, 141),
        ("tab\t", "UCS-2", 4, 1, 66),
    ],
)
def test_a_text_is_counted_as_networks_bill_it(text, encoding, units, count, left):
    found = segments_of(text)

    assert (found.encoding, found.units, found.count, found.left) == (encoding, units, count, left)


def test_the_alphabet_has_127_characters_and_ten_extended_ones():
    assert (len(BASIC), len(EXTENDED), BASIC & EXTENDED) == (127, 10, set())


def test_the_characters_that_make_it_dear_are_named_once_each_in_order():
    assert segments_of("Don’t “wait” – don’t").forced_by == "’“”–"


def test_it_says_in_words_what_it_takes():
    assert segments_of("a" * 161).in_words == "2 segments (GSM-7, 161 of 306)"
    assert segments_of("Hi").in_words == "1 segment (GSM-7, 2 of 160)"
    assert isinstance(segments_of(""), Segments)


@pytest.mark.parametrize(
    ("texts", "people", "segments"),
    [
        (["short"], 1_000, 1_000),
        (["short", "a" * 161], 1_000, 1_500),
        (["short", "short", "a" * 161], 10, 14),
        ([], 10, 0),
    ],
)
def test_many_are_estimated_from_some(texts, people, segments):
    assert estimate(texts, people=people) == segments


@pytest.mark.parametrize(
    ("segments", "price", "words"),
    [
        (1, "0.0079", "0.0079 USD"),
        (1_500, "0.0079", "11.85 USD"),
        (200_000, "0.05", "10,000.00 USD"),
        (10, "0", ""),
    ],
)
def test_what_it_costs_is_told_where_there_is_a_price(segments, price, words):
    assert cost_in_words(segments, price=Decimal(price), currency="USD") == words
