"""What a compiled release says in columns: tolerant of every shape, because nothing in it was checked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from tenders.moments import read_moment
from tenders.states import Phase

WORD = re.compile(r"[^\W_]+")
DESCRIPTION_LENGTH = 20_000
WORDS_LENGTH = 12_000
MOST_VALUE = Decimal(10) ** 17
#: Eight digits and perhaps a check digit: 45211000-9.
CPV = re.compile(r"(\d{8})(?:-\d)?")
CANCELLED = {"cancelled", "withdrawn", "unsuccessful"}
PLANNING = {"planning", "planned"}
#: Awards that say nothing was awarded.
NO_AWARDS = {"cancelled", "unsuccessful"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The columns of a tender that its releases decide."""

    number: str
    title: str
    description: str
    buyer: str
    status: str
    phase: str
    method: str
    category: str
    region: str
    value: Decimal | None
    currency: str
    codes: list[str]
    document_count: int
    published_at: datetime | None
    closes_at: datetime | None
    released_at: datetime | None


def fields_of(compiled: dict[str, Any], *, zone: tzinfo = UTC) -> Fields:
    """Return the columns of a compiled release; dates without an offset are read in `zone`."""
    tender = _object(compiled.get("tender"))
    released = _moment(compiled.get("date"), zone)
    title, number = _title_and_number(compiled, tender)
    return Fields(
        number=number,
        title=title,
        description=_text(tender.get("description"), DESCRIPTION_LENGTH),
        buyer=_buyer(compiled, tender),
        status=_text(tender.get("status"), 40),
        phase=phase_of(compiled),
        method=_text(
            tender.get("procurementMethodDetails") or tender.get("procurementMethod"), 200
        ),
        category=_text(tender.get("mainProcurementCategory"), 120),
        region=_region(tender),
        codes=cpv_codes(compiled),
        document_count=len(documents_of(compiled)),
        published_at=_published(tender, zone) or released,
        closes_at=_moment(_object(tender.get("tenderPeriod")).get("endDate"), zone),
        released_at=released,
        **_value(tender),
    )


def _title_and_number(compiled: dict[str, Any], tender: dict[str, Any]) -> tuple[str, str]:
    """South Africa's title is the number of the bid, and its description the subject."""
    title, description = _text(tender.get("title"), 500), _text(tender.get("description"), 500)
    if not title or (description and " " not in title and any(map(str.isdigit, title))):
        return (
            description or _text(compiled.get("title"), 500),
            title or _text(tender.get("id"), 200),
        )
    return title, _text(tender.get("id"), 200)


def phase_of(compiled: dict[str, Any]) -> str:
    """Return how far a process has come, by its status and by what it awarded."""
    tender = _object(compiled.get("tender"))
    status = _text(tender.get("status"), 40).lower()
    if status in CANCELLED:
        return Phase.CANCELLED
    if any(True for _ in awards_of(compiled)) or list(_objects(compiled.get("contracts"))):
        return Phase.AWARDED
    if status in PLANNING or (not tender and compiled.get("planning")):
        return Phase.PLANNING
    return Phase.AWARDED if status == "complete" else Phase.TENDER


def awards_of(compiled: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the awards that stand."""
    for award in _objects(compiled.get("awards")):
        if award and _text(award.get("status"), 40).lower() not in NO_AWARDS:
            yield award


def documents_of(compiled: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the documents of the tender itself."""
    return list(_objects(_object(compiled.get("tender")).get("documents")))


def cpv_codes(compiled: dict[str, Any]) -> list[str]:
    """Return the CPV codes of a process, eight digits each, in order."""
    tender = _object(compiled.get("tender"))
    found: set[str] = set()
    for holder in (tender, *_objects(tender.get("items")), *_objects(tender.get("lots"))):
        for name in ("classification", "additionalClassifications"):
            found.update(_codes(holder.get(name)))
    return sorted(found)[:200]


def _codes(given: Any) -> Iterator[str]:
    for each in given if isinstance(given, list) else [given]:
        classification = _object(each)
        code = CPV.fullmatch(str(classification.get("id", "")).strip())
        if code and str(classification.get("scheme", "CPV")).upper() == "CPV":
            yield code[1]


def _buyer(compiled: dict[str, Any], tender: dict[str, Any]) -> str:
    for holder in (compiled.get("buyer"), tender.get("procuringEntity")):
        if name := _text(_object(holder).get("name"), 300):
            return name
    for party in _objects(compiled.get("parties")):
        roles = party.get("roles")
        if isinstance(roles, list | str) and "buyer" in roles:
            return _text(party.get("name"), 300)
    return ""


def _region(tender: dict[str, Any]) -> str:
    if province := _text(tender.get("province"), 200):
        return province
    for holder in (*_objects(tender.get("items")), *_objects(tender.get("lots"))):
        for address in _objects(holder.get("deliveryAddresses")):
            if region := _text(address.get("region"), 200):
                return region
    return ""


def _value(tender: dict[str, Any]) -> dict[str, Any]:
    """Return the estimated value; 0 means that it was not disclosed."""
    given = _object(tender.get("value"))
    amount, currency = given.get("amount"), _text(given.get("currency"), 3)
    if isinstance(amount, bool) or not isinstance(amount, int | float) or amount <= 0:
        return {"value": None, "currency": currency}
    exact = Decimal(str(amount))
    if exact >= MOST_VALUE:
        return {"value": None, "currency": currency}
    return {"value": exact.quantize(Decimal("0.01")), "currency": currency}


def _published(tender: dict[str, Any], zone: tzinfo) -> datetime | None:
    dates = (tender.get("datePublished"), _object(tender.get("tenderPeriod")).get("startDate"))
    return next(filter(None, (_moment(date, zone) for date in dates)), None)


def _moment(text: Any, zone: tzinfo) -> datetime | None:
    moment = read_moment(text, zone=zone)
    if moment is None or not 1900 < moment.second.year < 2200:
        return None
    return moment.at


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Iterable[dict[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def _text(value: Any, length: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()[:length]


# --- what it is found by -------------------------------------------------------------------------


def words_in(text: str) -> list[str]:
    """Return the words of a text as they are compared: small letters, without accents and punctuation."""
    plain = text.casefold()
    if not plain.isascii():
        letters = unicodedata.normalize("NFKD", plain)
        plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return WORD.findall(plain)


def words_of(fields: Fields, *, ocid: str, detailed_category: str) -> str:
    """Return what a tender is found by: its words, with one space around each, and its codes as words."""
    texts = (fields.title, fields.buyer, fields.number, ocid, fields.category, detailed_category)
    words = [
        word for text in (*texts, fields.region, fields.description) for word in words_in(text)
    ]
    room = (
        " ".join(words)[:WORDS_LENGTH].rpartition(" ")[0] if len(words) > 1_000 else " ".join(words)
    )
    codes = " ".join(f"cpv{code}" for code in fields.codes)
    return f" {room} {codes} " if codes else f" {room} "
