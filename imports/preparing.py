"""A file becomes rows: read once, whole, and described as well as can be told without a person."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from core import clock
from core.errors import Refused
from imports import moves, targets
from imports.detecting import guessed_encoding
from imports.layouts import SHEET, Layout, inspect, records_of
from imports.mapping import check_columns, chosen, fingerprint, suggest
from imports.models import CsvBatch, SavedMapping
from imports.staging import ROWS_NAME, SHEET_NAME, Staged, stage
from imports.states import BatchStatus, Go
from imports.storage import batch_folder, kept
from imports.targets import Target

NEXT = {
    Go.WAIT: (BatchStatus.MAPPING, ""),
    Go.CHECK: (BatchStatus.CHECKING, moves.CHECK),
    Go.IMPORT: (BatchStatus.IMPORTING, moves.LOAD),
}


def prepare(batch: CsvBatch) -> None:
    """Read an import's file into rows, and go on as far as it was told; a refusal is kept as its problem."""
    try:
        layout, staged = _read(batch)
        columns = settled_columns(batch, staged.header)
    except Refused as refusal:
        _fail(batch, refusal)
        return
    _go_on(
        batch,
        columns,
        layout=layout.as_json(),
        header=staged.header,
        sample=staged.sample,
        total=staged.total,
    )


def saved_columns(batch: CsvBatch, header: list[str]) -> list[dict[str, Any]] | None:
    """Return what the columns of a file with these headings were last said to mean."""
    saved = SavedMapping.objects.filter(target=batch.target, fingerprint=fingerprint(header))
    return saved.values_list("columns", flat=True).first()


def _read(batch: CsvBatch) -> tuple[Layout, Staged]:
    target = targets.get(batch.target)
    path, folder = kept(batch.file), batch_folder(batch)
    sheet = folder / SHEET_NAME
    layout = inspect(
        path, batch.file.facts, target=target, overrides=batch.overrides, unpacked=sheet
    )
    if batch.go == Go.IMPORT and layout.is_guessed:
        raise guessed_encoding(layout.encoding)
    with records_of(sheet if layout.kind == SHEET else path, layout) as records:
        staged = stage(records, layout, path=folder / ROWS_NAME)
    sheet.unlink(missing_ok=True)
    return layout, staged


def settled_columns(batch: CsvBatch, header: list[str]) -> list[dict[str, Any]]:
    """Return what the columns mean where that is settled: said at the start, or to be settled by us."""
    target: Target = targets.get(batch.target)
    if batch.columns:
        return check_columns(target, batch.columns, header, match=batch.match)
    if batch.go == Go.WAIT:
        return []
    saved = saved_columns(batch, header)
    return check_columns(
        target, chosen(suggest(target, header, saved=saved)), header, match=batch.match
    )


@transaction.atomic
def _go_on(batch: CsvBatch, columns: list[dict[str, Any]], **read: Any) -> None:
    status, workflow = NEXT[Go(batch.go)]
    if status == BatchStatus.IMPORTING:
        read["started_at"] = clock.now()
        workflow = moves.loading(batch)
    moved = CsvBatch.objects.filter(pk=batch.pk, status=BatchStatus.READING).update(
        status=status, columns=columns, problem=None, next_row=1, next_offset=0, **read
    )
    batch.refresh_from_db()
    if moved and workflow:
        moves.start(batch, workflow, actor=batch.actor)


def _fail(batch: CsvBatch, refusal: Refused) -> None:
    CsvBatch.objects.filter(pk=batch.pk, status=BatchStatus.READING).update(
        status=BatchStatus.FAILED, problem=moves.problem_of(refusal), finished_at=clock.now()
    )
    batch.refresh_from_db()
