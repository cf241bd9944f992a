"""What rows can become: a registry that the apps which own those things fill.

An app that owns something people keep in spreadsheets subclasses `BulkTarget` (plain data, thousands of rows
per transaction) or `PacedTarget` (each row calls a slow or paid service), and registers one instance of
it from its `ready()`. Imports knows no more of the thing than what stands here.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from core.errors import NotFound, Refused
from imports.states import Effect, Mode

#: Values by field name; attributes beyond the fields are named `attribute:<name>`.
Values = dict[str, Any]
ATTRIBUTE = "attribute:"


@dataclass(frozen=True, kw_only=True)
class Field:
    """Something a column can mean. `parse(text, options)` returns the value to keep, or raises Refused.

    It asks no database: rows are parsed by a thread of their own while others are written.
    """

    name: str
    label: str
    parse: Callable[[str, Mapping[str, Any]], Any]
    synonyms: str = ""  #: headings it is known by, as attribute names, between blanks
    help: str = ""
    empty: Any = ""  #: what stands in the field when it is erased

    @property
    def names(self) -> frozenset[str]:
        return frozenset([self.name, *self.synonyms.split()])


@dataclass(frozen=True, kw_only=True)
class Option:
    """Something to be said once for a whole import. `choices` are pairs of value and label."""

    name: str
    label: str
    kind: str = "text"  #: text | long_text | choice | choices | list
    help: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    default: Any = ""
    #: What a page offers, asked for each time; elsewhere any text may be said.
    offers: Callable[[], list[tuple[str, str]]] | None = None


class Issue(NamedTuple):
    """Something about a row that could not be used, and why."""

    code: str
    column: str
    value: str
    message: str


@dataclass(slots=True)
class Record:
    """One row, read and parsed: what it says, about which thing, and what of it could not be used."""

    number: int
    line: int
    offset: int
    key: str = ""
    values: Values = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)  #: values left out
    fatal: Issue | None = None  #: why the whole row is rejected


@dataclass(slots=True)
class Standing:
    """A thing as it stands in the database: its id as text, its values by field name, and its key there."""

    id: str
    values: Values
    pk: Any = None


@dataclass(slots=True)
class Change:
    """What one row does to one thing. `write` sets `id` for a new one, and may append to `added` and to
    the record's issues."""

    record: Record
    standing: Standing | None
    values: Values  #: the fields that change (all that are given, for a new thing)
    id: str = ""
    pk: Any = None
    added: list[str] = field(default_factory=list)

    @property
    def effect(self) -> Effect:
        if self.standing is None:
            return Effect.CREATED
        return Effect.UPDATED if self.values else Effect.NONE


@dataclass(frozen=True)
class Job:
    """What a target is told about the import it works for."""

    public_id: str
    file_name: str
    actor: str
    match: str
    options: Mapping[str, Any]


@dataclass
class Undone:
    """What is known of a row whose effect is taken back."""

    number: int
    id: str
    effect: Effect
    before: Values
    after: str
    added: list[str]


class Target(abc.ABC):
    """A kind of thing that rows become."""

    name: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str] = ""
    permission: ClassVar[str]  #: what somebody needs besides those of imports, as `app.codename`
    fields: ClassVar[tuple[Field, ...]]
    options: ClassVar[tuple[Option, ...]] = ()
    match_keys: ClassVar[
        tuple[str, ...]
    ]  #: fields that can say which thing is meant; the usual one first
    modes: ClassVar[tuple[Mode, ...]] = tuple(Mode)
    takes_attributes: ClassVar[bool] = False  #: whether columns without a field can be kept too
    is_paced: ClassVar[bool] = False
    #: What becomes of things that an import created when it is undone, as a sentence goes on.
    unmade: ClassVar[str] = "are removed"

    def field(self, name: str) -> Field | None:
        return next((each for each in self.fields if each.name == name), None)

    def clean_options(self, options: Mapping[str, Any], *, actor: str) -> dict[str, Any]:
        """Return options as they are kept, with defaults; raise Refused for what may not be."""
        known = {option.name: option for option in self.options}
        for name in options:
            if name not in known:
                raise Refused(
                    f"Imports of {self.title.lower()} have no option {name!r}.",
                    field=name,
                    value=options[name],
                    remedy=f"There are: {', '.join(known) or 'none'}.",
                )
        return {name: _checked(option, options) for name, option in known.items()}


class BulkTarget(Target):
    """Plain data: rows are read, compared and written in chunks, each in one transaction."""

    @abc.abstractmethod
    def find(
        self, keys: Collection[str], *, match: str, options: Mapping[str, Any], lock: bool
    ) -> dict[str, Standing]:
        """Return the things that these keys mean; with `lock`, none changes until the transaction ends."""

    def settle(self, changes: Sequence[Change], *, job: Job) -> None:
        """Take out of changes what cannot be, such as an address somebody else has; note it as issues."""

    @abc.abstractmethod
    def write(self, changes: Sequence[Change], *, job: Job) -> None:
        """Write new things, changed ones, and what the import gives to each, unchanged ones included.

        Runs in the chunk's transaction, in a savepoint: may raise Refused, IntegrityError or DataError, after which
        it is asked again for fewer rows.
        """

    @abc.abstractmethod
    def revert(self, rows: Sequence[Undone], *, job: Job) -> set[int]:
        """Take rows back, in one transaction; return the numbers of those that were edited since and stay."""


class PacedTarget(Target):
    """Rows that call a slow or paid service: few at a time, each with its own time limit.

    `call` talks to the outside and holds no transaction; its answer is kept before anything else is done, so that it
    is not paid for twice. `save` writes the answer's effect, which commits together with the row's result.
    """

    is_paced = True
    modes: ClassVar[tuple[Mode, ...]] = (Mode.UPSERT,)
    batch_size: ClassVar[int] = 5
    row_seconds: ClassVar[float] = 60
    pause_seconds: ClassVar[float] = 2
    retries: ClassVar[int] = 2

    def estimate(self, records: Iterable[Record], *, others: int, job: Job) -> str:
        """Return in words what these rows cost, and so many others that nobody has read yet; nothing where it is free.

        Shown before an import starts, beside the button. May raise Refused, which is shown in its place.
        """
        return ""

    @abc.abstractmethod
    def call(self, record: Record, *, job: Job, key: str) -> Any:
        """Return the service's answer (JSON). `key` stays the same over every attempt at this row.

        Refused and PermanentFailure reject the row; any other error is tried again.
        """

    @abc.abstractmethod
    def save(self, record: Record, answer: Any, *, job: Job) -> tuple[Effect, str]:
        """Write the effect; return what it was, and the id of the thing.

        Refused, PermanentFailure, IntegrityError and DataError reject the row; any other error is a fault of ours, and
        the import stops with the answer kept.
        """


_targets: dict[str, Target] = {}


def register(target: Target) -> None:
    """Add a target under its name; the same class may be registered again."""
    known = _targets.get(target.name)
    if known and type(known) is not type(target):
        raise ValueError(f"two targets are named {target.name!r}")
    _targets[target.name] = target


def get(name: str) -> Target:
    """Return a target; raise NotFound naming those there are."""
    try:
        return _targets[name]
    except KeyError:
        raise NotFound(
            f"Rows cannot become {name!r}.",
            field="target",
            value=name,
            remedy=f"They can become: {', '.join(sorted(_targets))}.",
        ) from None


def all_targets() -> list[Target]:
    return [_targets[name] for name in sorted(_targets)]


def _checked(option: Option, options: Mapping[str, Any]) -> Any:
    """Return an option's value, or its default; raise Refused for a value that is none of its choices."""
    value = options.get(option.name, option.default)
    allowed = {each for each, _ in option.choices}
    given = list(value) if option.kind == "choices" else [value]
    if any(not isinstance(each, str) for each in given):
        raise Refused(f"{option.label} is text.", field=option.name, value=value)
    if allowed and value and not allowed.issuperset(given):
        raise Refused(
            f"{option.label} cannot be {value!r}.",
            field=option.name,
            value=value,
            remedy=f"Choose from: {', '.join(sorted(allowed))}.",
        )
    return given if option.kind == "choices" else value.strip()
