"""Starting an import: the file is checked whole before anything is changed."""

from __future__ import annotations

from pathlib import Path

import phonenumbers
from django.conf import settings
from django.db import transaction

from core import audit, clock
from core.errors import Refused
from imports.files import ContactFile, keep
from imports.models import ImportBatch
from jobs.actions import start_run
from messaging.actions.consent import Evidence
from messaging.actions.people import find_or_create_list


def start_import(
    path: Path,
    *,
    actor: str,
    file_name: str = "",
    list_name: str = "",
    consent_source: str = "",
    consent_wording: str = "",
    default_region: str = "",
) -> ImportBatch:
    """Take a file of contacts and start the run that imports it, onto a list if one is named.

    1. The file is read through once: encoding, delimiter, header and rows. Refused changes nothing.
    2. A copy is kept under its checksum. 3. The batch, its run and a new list are inserted in one
    transaction.
    """
    region = (default_region or settings.DEFAULT_PHONE_REGION).upper()
    _check_options(consent_source, consent_wording, region, actor=actor)
    file = ContactFile.detect(path)
    row_count = file.count_rows()
    if not row_count:
        raise Refused("The file has a header and no rows.", field="file", remedy="Add the rows.")
    batch = ImportBatch(
        file_name=(file_name or path.name)[:255],
        sha256=keep(path),
        size=path.stat().st_size,
        encoding=file.encoding,
        delimiter=file.delimiter,
        default_region=region,
        consent_source=consent_source.strip(),
        consent_wording=consent_wording,
        row_count=row_count,
        actor=actor,
    )
    with transaction.atomic():
        if list_name:
            batch.contact_list = find_or_create_list(name=list_name, actor=actor)
        batch.run = start_run("imports.contacts", input={"batch": batch.public_id}, actor=actor)
        batch.save(force_insert=True)
        audit.record("import.started", batch, actor=actor, rows=row_count, sha256=batch.sha256)
    return batch


def finish_import(batch: ImportBatch) -> dict[str, int]:
    """Mark a batch as done; return its counts."""
    with transaction.atomic():
        open_batch = ImportBatch.objects.filter(pk=batch.pk, finished_at=None)
        finished = open_batch.update(finished_at=clock.now())
        batch.refresh_from_db()
        counts = {name: getattr(batch, name) for name in COUNTS}
        if finished:
            audit.record("import.finished", batch, actor=batch.actor, **counts)
    return counts


COUNTS = (
    "total",
    "created",
    "updated",
    "unchanged",
    "rejected",
    "values_left_out",
    "consents_given",
    "consents_kept_withdrawn",
)


def _check_options(source: str, wording: str, region: str, *, actor: str) -> None:
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise Refused(
            f"{region!r} is no region for telephone numbers.",
            field="default_region",
            value=region,
            remedy="Use two letters such as ZA or GB.",
        )
    if wording and not source.strip():
        raise Refused(
            "A consent wording needs a consent source.",
            field="consent_source",
            value=source,
            remedy="Say where consent was given, such as 'newsletter form'.",
        )
    if source.strip():
        Evidence(source=source, wording=wording, actor=actor)
