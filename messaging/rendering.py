"""Templates in Liquid: what a version says to one person.

Strict (a variable without a value is an error unless `default` covers it), bounded (loops, output
and variables have limits), and closed (no files, no includes, no attributes of Python objects).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from liquid import BoundTemplate, Environment
from liquid.exceptions import LiquidError, UndefinedError
from liquid.undefined import FalsyStrictUndefined

from core.errors import PermanentFailure
from messaging.content.tag import ExternalTag, slugs_in
from messaging.moments import local_date, local_time

# `safe` would switch escaping off; the base 64 filters can produce bytes that are no text.
REMOVED_FILTERS = (
    "safe",
    "base64_decode",
    "base64_encode",
    "base64_url_safe_decode",
    "base64_url_safe_encode",
)
REMOVED_TAGS = ("include", "render")
ADDED_FILTERS = {"local_date": local_date, "local_time": local_time}
REPEATING_TAGS = frozenset({"for", "tablerow"})


class TemplateError(PermanentFailure):
    """A version cannot be rendered for this person; `variable` names what has no value, if that is it."""

    def __init__(self, message: str, *, variable: str = "") -> None:
        super().__init__(message)
        self.variable = variable


class BoundedEnvironment(Environment):
    """Liquid with an end: what a template may cost at most."""

    context_depth_limit = 10
    loop_iteration_limit = 1_000
    local_namespace_limit = 100_000


class LoopingEnvironment(BoundedEnvironment):
    """For templates that repeat themselves: their output has a limit too, which costs a tenth of the time."""

    output_stream_limit = 500_000


@dataclass(frozen=True)
class Rendered:
    """What one person gets."""

    subject: str
    html: str
    text: str


class Content(Protocol):
    """Anything with a subject, HTML and text in Liquid, such as a TemplateVersion."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True)
class CompiledTemplate:
    """A version, parsed once and rendered for many."""

    subject: BoundTemplate
    html: BoundTemplate
    text: BoundTemplate

    @property
    def blocks(self) -> set[str]:
        """The names of the blocks of external content that it shows."""
        return slugs_in(self.subject) | slugs_in(self.html) | slugs_in(self.text)

    def render(self, context: Mapping[str, Any]) -> Rendered:
        """Return what this person gets; raise TemplateError, naming the variable without a value."""
        try:
            return Rendered(
                # A value may hold a line break; a header may not.
                subject=" ".join(self.subject.render(context).split()),
                html=self.html.render(context),
                text=self.text.render(context),
            )
        except UndefinedError as error:
            raise TemplateError(str(error.message), variable=_variable_of(error)) from error
        except (LiquidError, ArithmeticError, TypeError, ValueError) as error:
            raise TemplateError(f"The template failed: {_first_line(error)}") from error


def compiled(version: Content) -> CompiledTemplate:
    """Return a version ready to render. Its content is parsed once in the life of a process."""
    return _compile(version.subject, version.html, version.text)


def parse_plain(source: str) -> BoundTemplate:
    """Parse Liquid that is not HTML: values stand in it as they are. Raises LiquidError."""
    return _parse(source, autoescape=False)


def parse_html(source: str) -> BoundTemplate:
    """Parse Liquid in HTML: values are escaped. Raises LiquidError."""
    return _parse(source, autoescape=True)


def _parse(source: str, *, autoescape: bool) -> BoundTemplate:
    template = STRAIGHT[autoescape].from_string(source)
    if REPEATING_TAGS.isdisjoint(template.analyze().tags):
        return template
    return LOOPING[autoescape].from_string(source)


def contact_context(contact: Any) -> dict[str, Any]:
    """Return what templates see of a person as `contact`."""
    return {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email or "",
        "phone": contact.phone or "",
        "time_zone": contact.time_zone,
        "attributes": contact.attributes,
    }


@lru_cache(maxsize=128)
def _compile(subject: str, html: str, text: str) -> CompiledTemplate:
    return CompiledTemplate(parse_plain(subject), parse_html(html), parse_plain(text))


def _environment(kind: type[BoundedEnvironment], *, autoescape: bool) -> BoundedEnvironment:
    environment = kind(undefined=FalsyStrictUndefined, autoescape=autoescape)
    for name in REMOVED_FILTERS:
        del environment.filters[name]
    for name in REMOVED_TAGS:
        del environment.tags[name]
    environment.filters.update(ADDED_FILTERS)
    environment.add_tag(ExternalTag)
    return environment


STRAIGHT = {on: _environment(BoundedEnvironment, autoescape=on) for on in (False, True)}
LOOPING = {on: _environment(LoopingEnvironment, autoescape=on) for on in (False, True)}
FILTERS = frozenset(STRAIGHT[True].filters)


def _variable_of(error: UndefinedError) -> str:
    return str(error.message).removesuffix(" is undefined")


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
