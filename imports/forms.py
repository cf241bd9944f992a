"""What staff say on the way of a file: how it is read, what its columns mean, what is done with its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from imports.detecting import DELIMITERS, ENCODINGS
from imports.mapping import field_choices
from imports.models import CsvBatch
from imports.states import BadValues, Blank, Duplicates, Mode
from imports.targets import ATTRIBUTE, Option, Target
from messaging.attributes import attribute_name

NO_HEADER = "0"
BLANKS = ((Blank.KEEP, "is ignored"), (Blank.ERASE, "erases"))
#: How many of the first lines are offered as headings.
OFFERED_LINES = 20
SHOWN_LETTERS = 60
SAMPLES = 3


class ReadingForm(forms.Form):
    """How the file is read; every guess can be overruled."""

    def __init__(self, layout: Mapping[str, Any], sample: Sequence[Any], data: Any = None) -> None:
        super().__init__(data, initial=told(layout))
        if layout.get("kind") == "sheet":
            self.fields["sheet"] = choice("Sheet", [(name, name) for name in layout["sheets"]])
        else:
            for name, label, known in (
                ("encoding", "Letters", ENCODINGS),
                ("delimiter", "Between values", DELIMITERS),
            ):
                offered = with_present(self.initial[name], known)
                self.fields[name] = choice(label, offered, required=False)
        self.fields["header_line"] = choice("Headings", lines_with_headings(layout, sample))

    def overrides(self) -> dict[str, Any]:
        """Return what is not as it was guessed."""
        changed = {
            name: self.cleaned_data[name]
            for name in self.fields
            if self.cleaned_data[name] != self.initial[name]
        }
        if "header_line" in changed:
            changed["header_line"] = int(changed["header_line"])
        return changed


def with_present(value: str, known: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return what is known, and the present value in front where it is not among it."""
    unknown = [] if value in known else [(value, value or "detect it")]
    return [*unknown, *known.items()]


def told(layout: Mapping[str, Any]) -> dict[str, str]:
    """Return a layout as the form shows it."""
    encoding = layout.get("encoding", "").removesuffix("-sig")  # the mark is no choice of a person
    known = {name: layout.get(name, "") for name in ("delimiter", "sheet")}
    return {**known, "encoding": encoding, "header_line": str(layout.get("header_line", 0))}


def lines_with_headings(layout: Mapping[str, Any], sample: Sequence[Any]) -> list[tuple[str, str]]:
    """Return the lines in which headings may stand, with what stands there where that is known."""
    present = layout.get("header_line", 0)
    known = {line: ", ".join(filter(None, cells)) for line, cells, *_ in sample[:OFFERED_LINES]}
    lines = {**dict.fromkeys(range(1, present), ""), present: "", **known}
    shown = [
        (str(line), f"Line {line}" + (f": {text[:SHOWN_LETTERS]}" if text else ""))
        for line, text in sorted(lines.items())
        if line
    ]
    return [(NO_HEADER, "There are none"), *shown]


@dataclass(frozen=True)
class ColumnLine:
    """One column of the file, as the page asks about it."""

    number: int
    heading: str
    samples: Sequence[str]
    by: str
    note: str
    field: Any
    blank: Any


class ColumnsForm(forms.Form):
    """What each column means, and what its blank cells do. Columns are known by their place."""

    def __init__(
        self, target: Target, columns: Sequence[dict[str, Any]], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.columns = columns
        known = field_choices(target)
        for place, column in enumerate(columns):
            name = column["heading"] or f"column {place + 1}"
            choices = [*known, *own_attribute(target, column, place)]
            self.fields[f"field-{place}"] = choice(f"Meaning of {name}", choices, required=False)
            self.fields[f"blank-{place}"] = choice(f"A blank cell in {name}", BLANKS)
            self.initial[f"field-{place}"] = column["field"]
            self.initial[f"blank-{place}"] = column["blank"]

    def lines(self, sample: Sequence[Any]) -> Iterator[ColumnLine]:
        """Yield what the page shows of each column."""
        for place, column in enumerate(self.columns):
            yield ColumnLine(
                place + 1,
                column["heading"],
                samples_of(sample, place),
                column.get("by", ""),
                column.get("note", ""),
                self[f"field-{place}"],
                self[f"blank-{place}"],
            )

    def mapping(self) -> list[dict[str, str]]:
        """Return the columns as the action takes them."""
        return [
            {
                "heading": column["heading"],
                "field": self.cleaned_data[f"field-{place}"],
                "blank": self.cleaned_data[f"blank-{place}"],
            }
            for place, column in enumerate(self.columns)
        ]


def samples_of(sample: Sequence[Any], place: int) -> list[str]:
    """Return the first different values of a column."""
    cells = (
        cells[place].strip() for _, cells, *broken in sample if place < len(cells) and not broken
    )
    return list(dict.fromkeys(cell for cell in cells if cell))[:SAMPLES]


def own_attribute(target: Target, column: Mapping[str, Any], place: int) -> list[tuple[str, str]]:
    """Return the choice of keeping a column under its own name, where the target keeps such."""
    if not target.takes_attributes:
        return []
    field = column["field"]
    if not field.startswith(ATTRIBUTE):
        heading = column["heading"]
        name = attribute_name(heading) if any(map(str.isalnum, heading)) else "column"
        field = ATTRIBUTE + (f"{name}_{place + 1}" if target.field(name) else name)
    return [(field, f"attribute “{field.removeprefix(ATTRIBUTE)}”")]


class SettingsForm(forms.Form):
    """What is done with the rows, and what the target wants to know."""

    def __init__(self, target: Target, batch: CsvBatch, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.target = target
        modes = [(mode, label) for mode, label in Mode.choices if mode in target.modes]
        labels = {field.name: field.label for field in target.fields}
        keys = [(key, labels.get(key, key)) for key in target.match_keys]
        self.fields["mode"] = choice("What to do", modes)
        self.fields["match"] = choice("Known by", keys)
        self.fields["duplicates"] = choice("The same twice in the file", Duplicates.choices)
        self.fields["bad_values"] = choice("A value that cannot be used", BadValues.choices)
        self.initial.update({name: getattr(batch, name) for name in self.fields})
        for option in target.options:
            present = batch.options.get(option.name, option.default)
            self.fields[f"option-{option.name}"] = option_field(option, present)
            self.initial[f"option-{option.name}"] = present

    @property
    def plain(self) -> list[Any]:
        """The questions of every import."""
        return [self[name] for name in self.fields if not name.startswith("option-")]

    @property
    def own(self) -> list[Any]:
        """The questions of this target."""
        return [self[name] for name in self.fields if name.startswith("option-")]

    def settings(self) -> dict[str, Any]:
        """Return the settings as the action takes them."""
        given = self.cleaned_data
        plain = {name: given[name] for name in given if not name.startswith("option-")}
        options = {option.name: given[f"option-{option.name}"] for option in self.target.options}
        return {**plain, "options": options}


def choice(label: str, choices: Any, *, required: bool = True) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, required=required)


def option_field(option: Option, present: Any) -> forms.Field:
    """Return the form field of a target's own question; what was said before can be said again."""
    common: dict[str, Any] = {"label": option.label, "help_text": option.help, "required": False}
    if option.offers:
        offered = with_present(present, {"": "Choose one", **dict(option.offers())})
        return forms.ChoiceField(choices=offered, **{**common, "help_text": ""})
    if option.kind == "choice":
        return forms.ChoiceField(choices=option.choices, **common)
    if option.kind == "choices":
        widget = forms.CheckboxSelectMultiple
        return forms.MultipleChoiceField(choices=option.choices, widget=widget, **common)
    if option.kind == "long_text":
        return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **common)
    return forms.CharField(max_length=200, **common)
