"""What a person says about an import before it starts: its columns and its settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from core import audit, clock
from core.errors import Conflict
from imports import targets
from imports.actions.creating import clean_settings
from imports.mapping import check_columns, fingerprint
from imports.models import CsvBatch, SavedMapping
from imports.states import OPEN, BatchStatus


@transaction.atomic
def set_mapping(batch: CsvBatch, columns: Sequence[Mapping[str, Any]], *, actor: str) -> CsvBatch:
    """Say what each column means, by position; remembered for files with the same headings.

    Raises Refused where that does not fit the file, Conflict once the import has started.
    """
    target = targets.get(batch.target)
    checked = check_columns(target, list(columns), batch.header, match=batch.match)
    _change(batch, columns=checked)
    remember(batch, checked, actor=actor)
    audit.record("import.mapped", batch, actor=actor)
    return batch


@transaction.atomic
def change_settings(batch: CsvBatch, *, actor: str, **settings: Any) -> CsvBatch:
    """Change mode, match, duplicates, bad_values or options; raise Refused, or Conflict once it has started."""
    target = targets.get(batch.target)
    if "options" in settings:
        settings["options"] = {**batch.options, **settings["options"]}
    cleaned = clean_settings(target, actor=actor, **settings)
    _change(batch, **cleaned)
    audit.record("import.settings_changed", batch, actor=actor, settings=sorted(cleaned))
    return batch


def remember(batch: CsvBatch, columns: list[dict[str, Any]], *, actor: str) -> None:
    """Keep what the columns of files with these headings mean."""
    SavedMapping.objects.update_or_create(
        target=batch.target,
        fingerprint=fingerprint(batch.header),
        defaults={"columns": columns, "actor": actor, "used_at": clock.now()},
    )


def _change(batch: CsvBatch, **changes: Any) -> None:
    """Change an import that has not started; whatever was checked has to be checked again."""
    open_batch = CsvBatch.objects.filter(pk=batch.pk, status__in=OPEN)
    if not open_batch.update(status=BatchStatus.MAPPING, check_result=None, **changes):
        batch.refresh_from_db()
        raise Conflict(
            f"The import of {batch.file_name} is {batch.get_status_display().lower()}.",
            field="status",
            value=batch.status,
            remedy="Its columns and settings can be changed until it starts.",
        )
    batch.refresh_from_db()
