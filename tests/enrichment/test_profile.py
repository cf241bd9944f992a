"""How an answer about a client is read: limits, one form, and nothing but what was asked for."""

from __future__ import annotations

import pytest

from enrichment.applying import needs_a_person
from enrichment.domains import registrable
from enrichment.profile import Unreadable, read_profile


def fields(answer) -> dict:
    return {each["field"]: each["value"] for each in read_profile(answer)["fields"]}


def test_lists_hold_three_each_once_and_a_scalar_is_one():
    assert fields(
        {
            "key_products": ["Drills", "drills", " Bits ", "", None, "Pumps", "Valves"],
            "use_cases": "mining",
            "brand_voice": [],
            "business_model": "B2B",
            "sub_industry": None,
        }
    ) == {
        "key_products": ["Drills", "Bits", "Pumps"],
        "use_cases": ["mining"],
        "business_model": "B2B",
    }


def test_competitors_are_five_in_one_form_without_the_clients_own():
    said = [
        {"name": "Own", "domain": "https://WWW.acme.co.za/about"},
        {"name": "One", "domain": "http://shop.one.co.uk:8080/x?y"},
        {"name": "One again", "domain": "ONE.CO.UK"},
        {"name": "", "domain": "two.com"},
        {"name": "None", "domain": "not a domain"},
        {"name": "Bücher", "domain": "bücher.de"},
        *({"name": f"N{n}", "domain": f"n{n}.com"} for n in range(5)),
    ]

    found = read_profile({"competitors": said}, domain="acme.co.za")["competitors"]

    assert [(each["name"], each["domain"]) for each in found] == [
        ("One", "one.co.uk"),
        ("two.com", "two.com"),
        ("Bücher", "xn--bcher-kva.de"),
        ("N0", "n0.com"),
        ("N1", "n1.com"),
    ]


@pytest.mark.parametrize(
    ("sure", "kept"),
    [(0.4, 0.4), (0, 0.0), (1.5, None), ("high", None), (True, None), (None, None)],
)
def test_confidence_is_a_share_or_nothing(sure, kept):
    [found] = read_profile({"business_model": "B2B", "confidence": {"business_model": sure}})[
        "fields"
    ]

    assert found["confidence"] == kept


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"is_admin": True},
        {"business_model": {"text": "B2B"}},
        {"key_products": [["nested"]]},
        {"competitors": ["rival.com"]},
    ],
)
def test_an_answer_in_another_form_is_unreadable(answer):
    with pytest.raises(Unreadable):
        read_profile(answer)


def test_what_the_model_is_unsure_of_waits_for_a_person_in_either_mode():
    assert [needs_a_person("auto", sure) for sure in (None, 0.5, 0.49)] == [False, False, True]
    assert needs_a_person("review", 1.0)


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Example.CO.UK.", "example.co.uk"),
        ("https://user:pw@www.example.com:443/p#f", "example.com"),
        ("sub.example.com.au", "example.com.au"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("co.uk", ""),
        ("127.0.0.1", ""),
        ("[::1]", ""),
        ("example", ""),
        ("-bad-.com", ""),
        ("a" * 64 + ".com", ""),
        ("x" * 3000 + ".com", ""),
        ("exa\x00mple.com", ""),
    ],
)
def test_a_domain_has_one_form(text, domain):
    assert registrable(text) == domain
