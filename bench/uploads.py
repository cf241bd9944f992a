"""How long the web server takes to answer once the last byte of an upload has come."""

from __future__ import annotations

import http.client
import time
import uuid
from pathlib import Path
from urllib.parse import urlsplit

PIECE = 256 * 1024


def seconds_to_answer(url: str, file: Path, *, token: str) -> float:
    """Upload a file to the API as fast as it is taken, and time the answer from the last byte on."""
    body = form_of(file)
    place = urlsplit(url)
    assert place.hostname is not None
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=60)
    connection.putrequest("POST", "/api/v1/imports")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    for start in range(0, len(body) - 1, PIECE):
        connection.send(body[start : min(start + PIECE, len(body) - 1)])
    start_waiting = time.perf_counter()
    connection.send(body[-1:])
    answer = connection.getresponse()
    taken = time.perf_counter() - start_waiting
    text = answer.read()
    connection.close()
    if answer.status != 202:
        raise SystemExit(f"The upload was answered {answer.status}: {text[:500]!r}")
    return taken


BOUNDARY = uuid.uuid4().hex


def form_of(file: Path) -> bytes:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="target"\r\n\r\ncontacts\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    return head.encode() + file.read_bytes() + f"\r\n--{BOUNDARY}--\r\n".encode()
