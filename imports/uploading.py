"""Files as they arrive over HTTP: written to their place and hashed piece by piece, refused as early as may be.

After the last byte only a rename and a few rows are left to do, so that a door answers at once however
large the file is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from core.errors import Refused
from imports.detecting import is_spreadsheet
from imports.models import StoredFile
from imports.storage import MAX_BYTES, Incoming, clean_name

FIELD = "file"
#: What a form may hold beside its file: names, boundaries, a consent's wording.
FORM_BYTES = 2 * 1024 * 1024


class TooLarge(Refused):
    """The file is beyond the limit; nothing of it is kept."""

    code = "file_too_large"
    status = 413


class ReceivedFile(UploadedFile):
    """A file that has arrived and is nobody's yet: `keep()` it, or it is gone when the request ends."""

    name: str

    def __init__(self, incoming: Incoming, **facts: Any) -> None:
        super().__init__(file=None, **facts)
        self.incoming = incoming

    @property
    def sha256(self) -> str:
        return self.incoming.sha256

    def keep(self) -> StoredFile:
        return self.incoming.keep()

    def close(self) -> None:
        self.incoming.discard()

    @property
    def closed(self) -> bool:
        return False


class FileReceiver(FileUploadHandler):
    """Writes the one file of a form where imports keep theirs, and hashes it on the way."""

    chunk_size = 256 * 1024
    announced = 0
    received: ReceivedFile | None = None

    def handle_raw_input(
        self,
        input_data: Any,
        META: Mapping[str, Any],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        """Refuse by the length that the caller announces, before reading anything."""
        if content_length > MAX_BYTES + FORM_BYTES:
            raise too_large(content_length)
        self.announced = content_length

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, *args, **kwargs)
        if field_name != FIELD:
            raise Refused(
                f"A file came as {field_name!r}.",
                field=field_name,
                remedy=f"Send one file, and name its field {FIELD!r}.",
            )
        if self.received is not None:
            raise Refused("More than one file came.", field=FIELD, remedy="Import them one by one.")
        name = clean_name(self.file_name or "")
        incoming = Incoming(announced=self.announced)
        self.received = ReceivedFile(incoming, name=name, content_type=self.content_type)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Take a piece; what can be no table, or is too large, is refused with it."""
        assert self.received is not None
        try:
            if start == 0:
                is_spreadsheet(raw_data)
            if start + len(raw_data) > MAX_BYTES:
                raise too_large(start + len(raw_data))
            self.received.incoming.write(raw_data)
        except Refused:
            self.received.close()
            raise

    def file_complete(self, file_size: int) -> ReceivedFile | None:
        assert self.received is not None
        self.received.size = file_size
        return self.received

    def upload_interrupted(self) -> None:
        """Forget what came, when the caller has gone."""
        if self.received is not None:
            self.received.close()


def receive_into(request: HttpRequest) -> None:
    """Have this request's file received; call it before anything looks into the request's body."""
    request.upload_handlers = [FileReceiver(request)]


def too_large(size: int) -> TooLarge:
    return TooLarge(
        f"The file is larger than {MAX_BYTES // 1024**2} MB.",
        field=FIELD,
        value=size,
        remedy="Split it, and import the parts one after the other.",
    )


def received_file(files: Mapping[str, Any]) -> ReceivedFile:
    """Return the file of a request; raise Refused where none came, or only a part of one."""
    found = files.get(FIELD)
    if not isinstance(found, ReceivedFile):
        raise Refused(
            "No file came.",
            field=FIELD,
            remedy=f"Send it as multipart/form-data, in a field named {FIELD!r}.",
        )
    return found
