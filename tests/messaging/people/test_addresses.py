"""Addresses have one spelling each, and what cannot be reached is refused by name."""

from __future__ import annotations

import string

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refused
from messaging.addresses import (
    address_hash,
    normalise_email,
    normalise_phone,
    normalise_time_zone,
)

LETTERS = string.ascii_letters + string.digits + ".!#$%&'*+/=?^_`{|}~-\" (),:;<>@[]é\u202e"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  THABO.Nkosi@Example.COM ", "thabo.nkosi@example.com"),
        ("o'brien+news@example.co.za", "o'brien+news@example.co.za"),
        ("anna@MÜNCHEN.example", "anna@xn--mnchen-3ya.example"),
    ],
)
def test_an_email_address_has_one_spelling(written: str, kept: str) -> None:
    assert normalise_email(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "",
        "thabo",
        "thabo at example.com",
        "@example.com",
        "siân@example.com",
        "a..b@example.com",
        ".a@example.com",
        '"quoted part"@example.com',
        "a@localhost",
        "a@x.invalid",
        "a@b@example.com",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 20}.com",
    ],
)
def test_what_is_no_email_address_is_refused_by_name(written: str) -> None:
    with pytest.raises(Refused) as refusal:
        normalise_email(written)

    assert (refusal.value.field, refusal.value.value) == ("email", written)
    assert refusal.value.remedy == "Write it like thabo@example.com."


def library_says(address: str) -> str | None:
    try:
        checked = validate_email(
            address, check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError:
        return None
    return checked.ascii_email.lower() if checked.ascii_email else None


@given(
    local=st.text(LETTERS, max_size=70),
    domain=st.sampled_from(
        ["example.com", "EXAMPLE.org", "münchen.example", "x", "", "a.test", "-b.com", "a..com"]
    ),
)
def test_the_quick_way_agrees_with_the_library(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    try:
        ours = normalise_email(address)
    except Refused:
        ours = None

    assert ours == library_says(address.strip().lower())


@given(st.emails())
def test_normalising_again_changes_nothing(address: str) -> None:
    try:
        once = normalise_email(address)
    except Refused:
        return
    assert normalise_email(once) == once


@pytest.mark.parametrize(
    ("written", "region", "kept"),
    [
        ("082 555 0134", "ZA", "+27825550134"),
        ("tel: 0825550080", "", "+27825550080"),
        ("(011) 555-0118", "ZA", "+27115550118"),
        ("+44 20 7946 0078", "ZA", "+442079460078"),
        ("020 7946 0078", "GB", "+442079460078"),
    ],
)
def test_a_number_is_kept_as_e164(written: str, region: str, kept: str) -> None:
    assert normalise_phone(written, region=region) == kept


@pytest.mark.parametrize("written", ["n/a", "12", "08", "+999 1234567"])
def test_what_is_no_number_is_refused_by_name(written: str) -> None:
    with pytest.raises(Refused) as refusal:
        normalise_phone(written)

    assert (refusal.value.field, refusal.value.value) == ("phone", written)


def test_a_time_zone_is_spelled_as_iana_does() -> None:
    assert normalise_time_zone(" africa/johannesburg ") == "Africa/Johannesburg"
    with pytest.raises(Refused, match="'Mars/Base' is not a time zone"):
        normalise_time_zone("Mars/Base")


def test_a_hash_is_keyed(settings) -> None:
    before = address_hash("thandi@example.com")
    settings.ADDRESS_HASH_KEY = "another key"

    assert len(before) == 64
    assert address_hash("thandi@example.com") != before
    assert address_hash("") == ""
