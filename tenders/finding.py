"""What people look for, and the tenders that match: one rule for the list, the API, exports, saved searches and alerts.

Words are compared as `fields.words_in` writes them: small, without accents and punctuation, whole; `clean*` matches any
word that begins so. Each tender holds its words in `words` with a space around each, which SQLite searches; PostgreSQL
has an index over them (`search`). A CPV code finds itself and all below it: its words are `cpv` and eight digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL

from core import clock
from core.errors import Refused
from tenders.fields import words_in
from tenders.models import Tender
from tenders.states import Phase

MOST_WORDS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What somebody looks for; what is empty asks for nothing. Several values of one kind are alternatives."""

    all: str = ""  #: every one of these words
    any: str = ""  #: at least one of these
    exact: str = ""  #: these words side by side
    none: str = ""  #: not one of these
    sources: Sequence[str] = ()  #: keys of sources
    categories: Sequence[str] = ()  #: goods, works, services; or a detailed category
    cpv: Sequence[str] = ()  #: codes or their beginnings: 45, 4521, 45211000
    buyer: str = ""  #: words of the buyer's name
    regions: Sequence[str] = ()
    phases: Sequence[str] = ()
    least_value: Decimal | None = None
    most_value: Decimal | None = None
    currency: str = ""
    closing_within_days: int | None = None
    published_from: datetime | None = None
    published_to: datetime | None = None
    is_open: bool = False  #: still to be answered: in the phase of tender, and not closed

    def as_json(self) -> dict[str, Any]:
        """Return what is asked for, as a saved search keeps it."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: _plain(value)
            for name, value in found.items()
            if value not in ("", (), None, False, [])
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Criteria:
        """Return what a saved search asks for; a member that is not known any more asks for nothing."""
        known = {each.name for each in fields(cls)}
        kept = {name: value for name, value in data.items() if name in known}
        for name in ("least_value", "most_value"):
            if kept.get(name) is not None:
                kept[name] = Decimal(str(kept[name]))
        for name in ("published_from", "published_to"):
            if kept.get(name):
                kept[name] = datetime.fromisoformat(kept[name])
        return cls(**kept)


def check(criteria: Criteria) -> None:
    """Refuse what nothing could be found by, naming the field."""
    for name in ("all", "any", "exact", "none"):
        words = words_in(getattr(criteria, name))
        if getattr(criteria, name).strip() and not words:
            raise Refused(
                f"{getattr(criteria, name)!r} holds no word.",
                field=name,
                value=getattr(criteria, name),
                remedy="Write words of letters and digits.",
            )
        if len(words) > MOST_WORDS:
            raise Refused(
                f"{len(words)} words are too many.", field=name, remedy=f"Use at most {MOST_WORDS}."
            )
    for code in criteria.cpv:
        if not (code.isascii() and code.isdigit() and 2 <= len(code) <= 8):
            raise Refused(
                f"{code!r} is no CPV code.",
                field="cpv",
                value=code,
                remedy="Write two to eight digits, such as 45 or 45211000.",
            )
    for phase in criteria.phases:
        if phase not in Phase.values:
            raise Refused(
                f"There is no phase {phase!r}.",
                field="phases",
                value=phase,
                remedy=f"Choose from {', '.join(Phase.values)}.",
            )
    _check_bounds(criteria)


def _check_bounds(criteria: Criteria) -> None:
    low, high = criteria.least_value, criteria.most_value
    if low is not None and high is not None and low > high:
        raise Refused(
            f"No value is at least {low} and at most {high}.", field="least_value", value=str(low)
        )
    days = criteria.closing_within_days
    if days is not None and not 0 <= days <= 3650:
        raise Refused(
            f"{days} days cannot be looked ahead.",
            field="closing_within_days",
            value=days,
            remedy="Choose 0 to 3650.",
        )


def matching(criteria: Criteria, *, among: QuerySet[Tender] | None = None) -> QuerySet[Tender]:
    """Return the tenders that match, of all or of some."""
    check(criteria)
    found = Tender.objects.all() if among is None else among
    found = _with_words(found, criteria)
    found = found.filter(_plainly(criteria))
    if criteria.buyer.strip():
        found = found.filter(_buyer(criteria.buyer))
    return found


def _plainly(criteria: Criteria) -> Q:
    now = clock.now()
    wanted = Q()
    if criteria.sources:
        wanted &= Q(source__key__in=criteria.sources)
    if criteria.categories:
        wanted &= Q(category__in=criteria.categories) | Q(detailed_category__in=criteria.categories)
    if criteria.regions:
        wanted &= Q(region__in=criteria.regions)
    if criteria.phases:
        wanted &= Q(phase__in=criteria.phases)
    if criteria.least_value is not None:
        wanted &= Q(value__gte=criteria.least_value)
    if criteria.most_value is not None:
        wanted &= Q(value__lte=criteria.most_value)
    if criteria.currency:
        wanted &= Q(currency=criteria.currency.upper())
    if criteria.closing_within_days is not None:
        until = now + timedelta(days=criteria.closing_within_days)
        wanted &= Q(closes_at__gte=now, closes_at__lte=until)
    if criteria.is_open:
        wanted &= Q(phase=Phase.TENDER) & (Q(closes_at=None) | Q(closes_at__gt=now))
    if criteria.published_from:
        wanted &= Q(published_at__gte=criteria.published_from)
    if criteria.published_to:
        wanted &= Q(published_at__lt=criteria.published_to)
    return wanted


def _buyer(text: str) -> Q:
    """The words of the buyer's name stand side by side in `words`; the name itself decides which they are."""
    wanted = Q()
    for word in words_in(text):
        wanted &= Q(buyer__icontains=word)
    return wanted


# --- words ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Wish:
    """What is asked of the words, as alternatives (any) of terms, all of which must hold; and terms that must not."""

    groups: list[list[str]] = field(default_factory=list)
    phrase: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)


def _with_words(tenders: QuerySet[Tender], criteria: Criteria) -> QuerySet[Tender]:
    wish = _Wish(
        groups=[[term] for term in terms(criteria.all)],
        phrase=words_in(criteria.exact),
        without=terms(criteria.none),
    )
    if criteria.any.strip():
        wish.groups.append(terms(criteria.any))
    if criteria.cpv:
        wish.groups.append([f"cpv{code}*" for code in map(branch, criteria.cpv)])
    if connection.vendor == "postgresql":
        wish.groups += [[word + "*"] for word in words_in(criteria.buyer)]
        return _by_index(tenders, wish)
    return _by_like(tenders, wish)


def terms(text: str) -> list[str]:
    """Return the words of a wish; one with a star after it stands for all that begin so."""
    found: list[str] = []
    for piece in text.split():
        words = words_in(piece)
        found += words
        if words and piece.endswith("*"):
            found[-1] += "*"
    return found


def branch(code: str) -> str:
    """Return the digits that a CPV code shares with all below it: 45000000 is the branch 45, 45210000 is 4521."""
    return code if len(code) < 8 else code.rstrip("0").ljust(2, "0")


def _by_index(tenders: QuerySet[Tender], wish: _Wish) -> QuerySet[Tender]:
    parts = ["(" + " | ".join(map(_lexeme, group)) + ")" for group in wish.groups]
    if wish.phrase:
        parts.append("(" + " <-> ".join(wish.phrase) + ")")
    parts += [f"!{_lexeme(term)}" for term in wish.without]
    if not parts:
        return tenders
    asked = RawSQL(  # the terms are letters and digits alone, and the query is a parameter
        "tenders_tender.search @@ to_tsquery('simple', %s)",
        [" & ".join(parts)],
        output_field=BooleanField(),
    )
    return tenders.filter(asked)


def _lexeme(term: str) -> str:
    return f"{term[:-1]}:*" if term.endswith("*") else term


def _by_like(tenders: QuerySet[Tender], wish: _Wish) -> QuerySet[Tender]:
    for group in wish.groups:
        tenders = tenders.filter(_one_of(group))
    if wish.phrase:
        tenders = tenders.filter(words__contains=f" {' '.join(wish.phrase)} ")
    for term in wish.without:
        tenders = tenders.exclude(words__contains=_pattern(term))
    return tenders


def _one_of(group: Iterable[str]) -> Q:
    wanted = Q(pk__in=[])
    for term in group:
        wanted |= Q(words__contains=_pattern(term))
    return wanted


def _pattern(term: str) -> str:
    return f" {term[:-1]}" if term.endswith("*") else f" {term} "


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value
