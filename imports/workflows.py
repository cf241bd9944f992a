"""The durable work of imports."""

from __future__ import annotations

from typing import Any

from imports.actions import finish_import
from imports.files import ContactFile, kept
from imports.models import ImportBatch
from imports.writing import write_chunk
from jobs.context import RunContext
from jobs.registry import workflow


@workflow("imports.contacts")
def import_contacts(run: RunContext, *, batch: str) -> dict[str, Any]:
    """Import a batch's file chunk by chunk; a chunk's rows, counts and checkpoint commit together.

    The same file always gives the same chunks, so a run that wakes again finds each one that is
    written by its checkpoint, and goes on with the next row.
    """
    found = ImportBatch.from_public_id(batch)
    file = ContactFile(kept(found.sha256), found.encoding, found.delimiter)
    done = 0
    for chunk in file.chunks(region=found.default_region):
        run.transaction("import rows", write_chunk, found, chunk)
        done += chunk.row_count
        run.progress(done, found.row_count, "rows")
    counts: dict[str, Any] = run.transaction("finish", finish_import, found)
    return counts
