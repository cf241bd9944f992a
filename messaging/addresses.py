"""Addresses in one spelling each, and the keyed hash that stands for one that may not be shown."""

from __future__ import annotations

import hmac
import re
from functools import lru_cache
from zoneinfo import available_timezones

import phonenumbers
from django.conf import settings
from email_validator import EmailNotValidError, validate_email

from core.errors import Refused

EMAIL_MAX_LENGTH = 254
# The everyday local part, RFC 5321's dot-string. It needs no further look from the library.
PLAIN_LOCAL_PART = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LOCAL_PART_MAX_LENGTH = 64
SHORT_CODE = re.compile(r"[1-9][0-9]{2,7}")
# An alphanumeric sender: GSM networks show it as it is, and nobody can answer it.
SENDER_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")


def normalise_email(text: str) -> str:
    """Return an address in the one spelling we keep: lower case, its domain in ASCII; or Refused.

    Letters beyond ASCII before the @ are refused because Resend refuses them.
    """
    address = text.strip().lower()
    local, _, domain = address.rpartition("@")
    if not local.isascii():
        raise _refused_email(text, "Providers take no letters beyond ASCII before the @.")
    try:
        if len(local) <= LOCAL_PART_MAX_LENGTH and PLAIN_LOCAL_PART.fullmatch(local):
            normalised = f"{local}@{_ascii_domain(domain)}"
        else:
            normalised = _checked_by_library(address)
    except EmailNotValidError as error:
        raise _refused_email(text, str(error)) from None
    if len(normalised) > EMAIL_MAX_LENGTH:
        raise _refused_email(text, f"It is longer than {EMAIL_MAX_LENGTH} characters.")
    return normalised


def normalise_phone(text: str, *, region: str = "") -> str:
    """Return a number as E.164, read as dialled in `region` (DEFAULT_PHONE_REGION); or Refused."""
    number = _e164(text, region or settings.DEFAULT_PHONE_REGION)
    if not number:
        raise _refused_phone(text)
    return number


def normalise_origin(text: str) -> str:
    """Return what an SMS may come from: E.164, a short code, or a name of letters and digits; or Refused."""
    origin = text.strip()
    if SHORT_CODE.fullmatch(origin) or SENDER_NAME.fullmatch(origin):
        return origin
    try:
        return normalise_phone(origin)
    except Refused:
        raise Refused(
            f"{text!r} is nothing an SMS can come from.",
            field="from_number",
            value=text,
            remedy="Write a number as +27825550134, a short code of 3 to 8 digits, or a name of up to"
            " 11 letters and digits.",
        ) from None


def normalise_time_zone(text: str) -> str:
    """Return an IANA time zone's name in its own spelling; or Refused."""
    name = _zones_by_lower_case().get(text.strip().lower())
    if name is None:
        raise Refused(
            f"{text!r} is not a time zone.",
            field="time_zone",
            value=text,
            remedy="Use an IANA name such as Africa/Johannesburg.",
        )
    return name


def address_hash(address: str) -> str:
    """Return the keyed hash of a normalised address: what a suppression remembers instead of it."""
    key = settings.ADDRESS_HASH_KEY.encode()
    return hmac.digest(key, address.encode(), "sha256").hex() if address else ""


@lru_cache(maxsize=1_000)
def _e164(text: str, region: str) -> str:
    """Return a number as E.164, or nothing; remembered, for colleagues share a switchboard."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@lru_cache(maxsize=10_000)
def _ascii_domain(domain: str) -> str:
    """Return a domain as the library spells it; remembered, for many people share few domains."""
    return _checked_by_library(f"a@{domain}").rpartition("@")[2]


def _checked_by_library(address: str) -> str:
    checked = validate_email(address, check_deliverability=False, allow_smtputf8=False, strict=True)
    return (checked.ascii_email or checked.normalized).lower()


@lru_cache(maxsize=1)
def _zones_by_lower_case() -> dict[str, str]:
    return {name.lower(): name for name in available_timezones()}


def _refused_email(value: str, reason: str) -> Refused:
    return Refused(
        f"{value!r} is not an e-mail address: {reason}",
        field="email",
        value=value,
        remedy="Write it like thabo@example.com.",
    )


def _refused_phone(value: str) -> Refused:
    return Refused(
        f"{value!r} is not a telephone number.",
        field="phone",
        value=value,
        remedy="Write it with its country code, such as +27 82 555 0134.",
    )
