"""The variables a template may use, and the check that it uses no others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from liquid.exceptions import LiquidError

from core.errors import Refused
from messaging.rendering import FILTERS, parse_plain

# What stands under each root; None is anything.
FIELDS: dict[str, frozenset[str] | None] = {
    "contact": frozenset({"first_name", "last_name", "email", "phone", "time_zone", "attributes"}),
    "campaign": None,
    "data": None,
    "event": None,
    "sender": frozenset({"name", "email", "postal_address"}),
    "unsubscribe_url": frozenset(),
    "preferences_url": frozenset(),
}
CATALOGUE = (
    "contact.first_name, contact.last_name, contact.email, contact.phone, contact.time_zone, "
    "contact.attributes.*, event.*, data.*, campaign.name, sender.name, sender.email, "
    "sender.postal_address, unsubscribe_url, preferences_url"
)


def analyse(source: str, *, field: str = "text") -> list[str]:
    """Return the variables of a template's source, sorted.

    Raises Refused, naming `field`, for Liquid that does not parse, and for unknown variables and filters.
    """
    try:
        template = parse_plain(source)
        analysis = template.analyze()
    except LiquidError as error:
        raise _syntax_refused(source, error, field) from None
    _refuse_unknown_filters(analysis.filters, field)
    paths = [variable.segments for uses in analysis.globals.values() for variable in uses]
    _refuse_unknown_variables(paths, field)
    return sorted({_dotted(path) for path in paths})


def missing(variables: Iterable[str], context: Mapping[str, Any]) -> list[str]:
    """Return those of the variables that have no value in a context, or an empty one."""
    return [name for name in variables if _value(name, context) in (None, "")]


def _value(name: str, context: Any) -> Any:
    for segment in name.split("."):
        if not isinstance(context, Mapping) or segment not in context:
            return None
        context = context[segment]
    return context


def _refuse_unknown_variables(paths: Iterable[list[Any]], field: str) -> None:
    unknown = sorted({_dotted(path) for path in paths if not _may_use(path)})
    if unknown:
        raise Refused(
            f"The {field} uses {_listed(unknown)}, which no message has.",
            field=field,
            value=unknown,
            remedy=f"Known are: {CATALOGUE}.",
            code="unknown_variable",
        )


def _may_use(path: list[Any]) -> bool:
    root, *rest = path
    if root not in FIELDS:
        return False
    allowed = FIELDS[root]
    if allowed is None:
        return True
    if not rest:
        return not allowed  # `contact` alone says nothing; `unsubscribe_url` stands alone
    return isinstance(rest[0], str) and rest[0] in allowed


def _refuse_unknown_filters(filters: Iterable[str], field: str) -> None:
    unknown = sorted(set(filters) - FILTERS)
    if unknown:
        raise Refused(
            f"The {field} uses the filter {_listed(unknown)}, which does not exist.",
            field=field,
            value=unknown,
            remedy=f"Known are: {', '.join(sorted(FILTERS))}.",
            code="unknown_filter",
        )


def _syntax_refused(source: str, error: LiquidError, field: str) -> Refused:
    index = error.token.start_index if error.token else -1
    line = source.count("\n", 0, index) + 1 if index >= 0 else 1
    return Refused(
        f"Line {line} of the {field} is not Liquid that we know: {error.message}.",
        field=field,
        value=_line_of(source, line),
        remedy="Correct that line.",
        code="template_syntax",
    )


def _line_of(source: str, number: int) -> str:
    lines = source.splitlines()
    return lines[number - 1].strip()[:200] if number <= len(lines) else ""


def _dotted(path: Iterable[Any]) -> str:
    return ".".join(segment if isinstance(segment, str) else "*" for segment in path)


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
