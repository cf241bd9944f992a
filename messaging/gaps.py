"""Who lacks what a template needs: found before anybody is written to, and told in numbers and names.

A variable is needed where the template neither gives it a default nor looks whether it is there. Somebody without a
needed attribute would get no message at all; without a needed name they would get one with a gap in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet, TextField
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from messaging.models import Contact, TemplateVersion
from messaging.previews import preview_context
from messaging.rendering import TemplateError, compiled

ATTRIBUTES = "contact.attributes."
FILLING = "1"
#: SQLite gives the null of JSON as a word.
EMPTY = (None, "", "null")


@dataclass(frozen=True)
class Gap:
    """A variable that the template needs, and how many people have no value for it."""

    variable: str
    people: int

    @property
    def may_fail(self) -> bool:
        """Whether their messages fail where there is nothing at all; an empty value leaves a gap."""
        return self.variable.startswith(ATTRIBUTES)


@dataclass(frozen=True)
class Lacking:
    """A person, and the needed variables that they have no value for."""

    contact: Contact
    variables: list[str]


def needed_variables(version: TemplateVersion) -> list[str]:
    """Return the variables about a person that have no default in a version; found by leaving out each in turn."""
    return [
        name
        for name in version.variables
        if name.startswith("contact.") and "*" not in name and _fails_without(name, version)
    ]


def gaps(version: TemplateVersion, people: QuerySet[Contact]) -> list[Gap]:
    """Return the needed variables that some of these people lack, the most lacked first; one query."""
    needed = needed_variables(version)
    if not needed:
        return []
    counts = _with_values(people, needed).aggregate(
        **{f"people{n}": Count("pk", filter=_is_empty(n)) for n in range(len(needed))}
    )
    found = [Gap(name, counts[f"people{n}"]) for n, name in enumerate(needed)]
    return sorted((gap for gap in found if gap.people), key=lambda gap: -gap.people)


def who_lacks(version: TemplateVersion, people: QuerySet[Contact], *, limit: int) -> list[Lacking]:
    """Return the first of these people who lack something, with what it is."""
    needed = needed_variables(version)
    if not needed:
        return []
    lacks_any = Q()
    for n in range(len(needed)):
        lacks_any |= _is_empty(n)
    found = _with_values(people, needed).filter(lacks_any).order_by("pk")[:limit]
    return [
        Lacking(
            contact,
            [name for n, name in enumerate(needed) if getattr(contact, f"value{n}") in EMPTY],
        )
        for contact in found
    ]


def _with_values(people: QuerySet[Contact], names: list[str]) -> QuerySet[Contact, Any]:
    return people.annotate(**{f"value{n}": _value_of(name) for n, name in enumerate(names)})


def _value_of(name: str) -> Combinable:
    if not name.startswith(ATTRIBUTES):
        return F(name.removeprefix("contact."))
    value: Any = "attributes"
    for segment in name.removeprefix(ATTRIBUTES).split("."):
        value = KeyTextTransform(segment, value)
    return Cast(value, TextField())  # text, to which the look-ups of JSON do not apply


def _is_empty(number: int) -> Q:
    return Q(**{f"value{number}": None}) | Q(**{f"value{number}__in": ["", "null"]})


def _fails_without(name: str, version: TemplateVersion) -> bool:
    try:
        compiled(version).render(_complete_context(version, leaving_out=name))
    except TemplateError as error:
        return bool(error.variable) and name.startswith(error.variable)
    return False


def _complete_context(version: TemplateVersion, *, leaving_out: str) -> dict[str, Any]:
    """Return a context in which every variable of a version has a value, but for one."""
    context = _deep(preview_context(None))
    for name in version.variables:
        if name != leaving_out and "*" not in name:
            _fill(context, name.split("."))
    *path, last = leaving_out.split(".")
    place: Any = context
    for segment in path:
        place = place.get(segment, {}) if isinstance(place, dict) else {}
    if isinstance(place, dict):
        place.pop(last, None)
    return context


def _deep(value: Any) -> Any:
    """Return a copy of a context that may be changed."""
    if isinstance(value, Mapping):
        return {key: _deep(inner) for key, inner in value.items()}
    return value


def _fill(context: dict[str, Any], path: list[str]) -> None:
    *parents, last = path
    for segment in parents:
        inner = context.get(segment)
        if not isinstance(inner, dict):
            inner = context[segment] = {}
        context = inner
    context.setdefault(last, FILLING)
