"""What imports forget when a person is erased: at once in records of rows, then by a run in files."""

from __future__ import annotations

from imports.forgetting import delete_bytes, delete_rows
from imports.models import CsvBatch
from imports.people import Wanted, blank_rows_of, forget_mappings
from imports.people import forget_in as forget_rows_in
from imports.states import MOVING, OVER
from jobs.actions import start_run
from messaging.models import Contact

#: Imports under way are waited for.
LOOK_AGAIN_SECONDS = 3_600.0


def forget(contact: Contact) -> None:
    """Blank the records of their rows, and have files cleaned by a run, in the caller's transaction."""
    hashes = [hashed for hashed in (contact.email_hash, contact.phone_hash) if hashed]
    blank_rows_of(contact.public_id)
    forget_mappings(Wanted(hashes))
    if hashes:
        given = {"contact": contact.public_id, "hashes": hashes}
        start_run("imports.forget_person", input=given)


def forget_in(batch: CsvBatch, hashes: list[str]) -> int:
    """Forget a person in one import; return in how many rows.

    Its file as it was uploaded goes too where they stood in it, and where it could not be read to its end: nobody can
    tell whom it holds. It is needed no more but to be read in another way.
    """
    region = batch.options.get("default_region", "")
    rows = forget_rows_in(batch, Wanted(hashes, region=region))
    was_never_read = batch.status in OVER and not batch.total
    if was_never_read:
        delete_rows(batch)
    is_needed = CsvBatch.objects.filter(file=batch.file, status__in=MOVING).exists()
    if (rows or was_never_read) and not is_needed:
        delete_bytes(batch.file)
    return rows
