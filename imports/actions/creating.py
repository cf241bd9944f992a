"""An import begins: its options are checked, its file is looked at, and a run reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from core import audit
from core.errors import Refused
from imports import detecting, layouts, moves, targets
from imports.checking import require_checkable
from imports.models import CsvBatch, StoredFile
from imports.preparing import settled_columns
from imports.staging import split
from imports.states import OPEN, BadValues, BatchStatus, Duplicates, Go
from imports.storage import clean_name, kept
from imports.targets import Target

OVERRIDES = ("encoding", "delimiter", "header_line", "sheet")


def create_batch(
    file: StoredFile,
    *,
    target: str,
    actor: str,
    file_name: str,
    mode: str = "",
    match: str = "",
    duplicates: str = Duplicates.FIRST,
    bad_values: str = BadValues.LEAVE_OUT,
    options: Mapping[str, Any] | None = None,
    columns: Sequence[Mapping[str, Any]] | None = None,
    overrides: Mapping[str, Any] | None = None,
    go: str = Go.WAIT,
    inspect: bool = True,
) -> CsvBatch:
    """Begin an import of a stored file, and start the run that reads it.

    With `inspect` the head of the file is looked at first, and what can never be imported is refused at once;
    otherwise that is found by the run. With `go` the import goes on by itself to a dry run or to its end, by
    `columns` or what it can tell of them. One that waits for a person may leave `options` to be said later. Raises
    Refused; then nothing was made.
    """
    kind = targets.get(target)
    batch = CsvBatch(
        file=file,
        file_name=clean_name(file_name),
        target=kind.name,
        actor=actor,
        columns=[dict(column) for column in columns or ()],
        overrides=clean_overrides(overrides or {}),
        go=_choice("go", go, Go.values),
        **clean_settings(
            kind,
            actor=actor,
            mode=mode or kind.modes[0],
            match=match or kind.match_keys[0],
            duplicates=duplicates,
            bad_values=bad_values,
        ),
        options=_options(kind, options, go=go, actor=actor),
    )
    if go == Go.CHECK:
        require_checkable(kind)
    if inspect:
        _look(batch, kind)
    with transaction.atomic():
        batch.save(force_insert=True)
        audit.record("import.created", batch, actor=actor, target=target, sha256=file.sha256)
        moves.start(batch, moves.READ, actor=actor)
    return batch


def overrule(batch: CsvBatch, *, actor: str, **overrides: Any) -> CsvBatch:
    """Read the file anew as a person says: encoding, delimiter, header_line (0 for none) or sheet.

    None keeps what was said before; an empty text goes back to the guess. Raises Conflict once it was started.
    """
    said = {name: value for name, value in overrides.items() if value is not None}
    new = clean_overrides({**batch.overrides, **said})
    _require_not_started(batch)
    return moves.move(
        batch,
        BatchStatus.READING,
        out_of=(*OPEN, BatchStatus.FAILED),
        actor=actor,
        verb="import.overruled",
        workflow=moves.READ,
        overrides=new,
        columns=[],
        check_result=None,
    )


def clean_overrides(overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person said about a file; raise Refused for what nobody can say."""
    for name in overrides:
        if name not in OVERRIDES:
            raise Refused(
                f"A file has no {name!r}.",
                field=name,
                value=overrides[name],
                remedy=f"There are: {', '.join(OVERRIDES)}.",
            )
    if encoding := overrides.get("encoding"):
        layouts.detecting.check_encoding(encoding)
    line = overrides.get("header_line")
    if line is not None and (not isinstance(line, int) or not 0 <= line <= layouts.MAX_HEADER_LINE):
        raise Refused(
            f"The header cannot stand on line {line!r}.",
            field="header_line",
            value=line,
            remedy=f"Give a number up to {layouts.MAX_HEADER_LINE}, or 0 where there is no header.",
        )
    return {name: value for name, value in overrides.items() if value not in (None, "")}


def clean_settings(kind: Target, *, actor: str, **settings: Any) -> dict[str, Any]:
    """Return settings as an import keeps them; raise Refused for one that its target does not know."""
    choices = {
        "mode": [str(mode) for mode in kind.modes],
        "match": list(kind.match_keys),
        "duplicates": Duplicates.values,
        "bad_values": BadValues.values,
    }
    return {
        name: kind.clean_options(value, actor=actor)
        if name == "options"
        else _choice(name, value, choices[name])
        for name, value in settings.items()
    }


def _options(
    kind: Target, options: Mapping[str, Any] | None, *, go: str, actor: str
) -> dict[str, Any]:
    """Return the target's own options; none, where a person will say them, and one of them must be said."""
    try:
        return kind.clean_options(options or {}, actor=actor)
    except Refused:
        if options is None and go == Go.WAIT:
            return {}
        raise


def _choice(name: str, value: Any, choices: Sequence[str]) -> str:
    if value not in choices:
        raise Refused(
            f"{name} cannot be {value!r}.",
            field=name,
            value=value,
            remedy=f"Choose from: {', '.join(choices)}.",
        )
    return str(value)


def _look(batch: CsvBatch, kind: Target) -> None:
    """Look at the head of the file: what will go on by itself must say all that it needs.

    That a person must say the encoding, or what the columns mean, is no reason to turn a file away that
    waits for one.
    """
    path = kept(batch.file)
    try:
        layout = layouts.inspect(path, batch.file.facts, target=kind, overrides=batch.overrides)
    except Refused as refusal:
        if refusal.field != "encoding" or batch.go != Go.WAIT:
            raise
        return
    if batch.go == Go.IMPORT and layout.is_guessed:
        raise detecting.guessed_encoding(layout.encoding)
    if batch.go != Go.WAIT and layout.kind == layouts.TEXT:
        with layouts.records_of(path, layout) as records:
            header, _ = split(records, layout)
        settled_columns(batch, header)


def _require_not_started(batch: CsvBatch) -> None:
    if batch.started_at is not None:
        raise Refused(
            "Rows of this import are written already.",
            field="status",
            value=batch.status,
            remedy="Import the file again.",
        )
