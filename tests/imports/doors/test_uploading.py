"""What comes in at the door: whole, once, within its limits, and gone again when it was refused."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pytest

from imports import uploading
from imports.models import CsvBatch, CsvRow, StoredFile
from jobs.testing import run_until_idle
from messaging.models import Contact

BOUNDARY = "b0undary"
PEOPLE = "email\na@example.com\n"


def left_behind(var_dir) -> list[str]:
    return sorted(path.name for path in var_dir.glob("imports/*"))


def nothing_was_imported() -> bool:
    return CsvRow.objects.count() == Contact.objects.count() == 0


def test_a_file_is_kept_under_its_checksum(robot, send, var_dir) -> None:
    send(robot, PEOPLE)

    sha256 = hashlib.sha256(PEOPLE.encode()).hexdigest()
    file = StoredFile.objects.get()
    assert (file.sha256, file.size) == (sha256, len(PEOPLE))
    assert left_behind(var_dir) == [sha256]
    assert (var_dir / "imports" / sha256).read_text() == PEOPLE


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", "empty_file"),
        (b"\x1f\x8b\x08\x00aaaa", "not_a_table"),
        (b"%PDF-1.7 aaaa", "not_a_table"),
        (b"\x7fELF\x02\x01", "not_a_table"),
        (b"\x89PNG\r\n\x1a\n", "not_a_table"),
        ("<!DOCTYPE html><table><tr><td>email", "not_a_table"),
    ],
)
def test_what_can_be_no_table_is_refused_by_its_first_bytes(
    robot, send, var_dir, content, code
) -> None:
    answer = send(robot, content)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["remedy"]
    assert CsvBatch.objects.count() == StoredFile.objects.count() == 0
    assert left_behind(var_dir) == []


def test_a_file_beyond_the_limit_is_refused_on_the_way(
    robot, send, var_dir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploading, "MAX_BYTES", 1024)

    answer = send(robot, PEOPLE * 200)

    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert left_behind(var_dir) == []


def test_a_body_that_announces_more_than_the_limit_is_not_read(
    robot, var_dir, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    class Body(io.BytesIO):
        def read(self, *size: int) -> bytes:
            read.append(1)
            return super().read(*size)

    monkeypatch.setattr(uploading, "MAX_BYTES", 1024)
    monkeypatch.setattr(uploading, "FORM_BYTES", 1024)
    answer = robot.generic(
        "POST",
        "/api/v1/imports",
        b"x" * 4096,
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
        **{"wsgi.input": Body(b"x" * 4096)},
    )

    assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")
    assert read == []


def test_the_limit_is_512_megabytes() -> None:
    assert uploading.MAX_BYTES == 512 * 1024 * 1024


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("..\\..\\windows\\people.csv", "people.csv"),
        ("/etc/cron.d/people.csv", "people.csv"),
        ("peo\u202eple\u0000.csv", "people.csv"),
        ("x" * 400 + ".csv", "x" * 251 + ".csv"),
    ],
)
def test_a_file_name_is_a_name_and_no_path(robot, send, var_dir, name, kept) -> None:
    answer = send(robot, PEOPLE, name=name)

    assert answer.json()["file"]["name"] == kept
    assert left_behind(var_dir) == [answer.json()["file"]["sha256"]]


def raw(*parts: bytes, end: bytes = f"--{BOUNDARY}--\r\n".encode()) -> bytes:
    return b"".join(f"--{BOUNDARY}\r\n".encode() + part for part in parts) + end


def field(name: str, value: str) -> bytes:
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file_field(content: str, *, name: str = "file") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"; filename="people.csv"\r\n\r\n'
    return f"{head}{content}\r\n".encode()


def post_raw(client, body: bytes):
    kind = f"multipart/form-data; boundary={BOUNDARY}"
    return client.generic("POST", "/api/v1/imports", body, content_type=kind)


@pytest.mark.parametrize(
    "body",
    [
        raw(field("target", "contacts")),
        raw(field("target", "contacts"), file_field(PEOPLE, name="data")),
        raw(field("target", "contacts"), file_field(PEOPLE), file_field(PEOPLE)),
        raw(field("target", "contacts"), field("file", PEOPLE)),
        raw(field("target", "contacts"), file_field(PEOPLE), end=b""),
    ],
    ids=["no file", "another name", "two files", "a text", "cut off"],
)
def test_one_whole_file_comes_or_none_is_taken(robot, var_dir, body) -> None:
    answer = post_raw(robot, body)

    assert answer.status_code in (400, 422)
    assert CsvBatch.objects.count() == 0
    assert left_behind(var_dir) == []


def test_json_is_not_a_file(robot) -> None:
    assert robot.post("/api/v1/imports", {"target": "contacts"}, format="json").status_code == 415


# --- what only a look inside can tell -----------------------------------------------------------------------------


def failed(robot, send, content: bytes | str, name: str = "people.csv") -> dict:
    """Upload, have it read, and return why it failed."""
    place = f"/api/v1/imports/{send(robot, content, name=name, go='import').json()['id']}"
    run_until_idle()
    batch = robot.get(place).json()
    assert batch["status"] == "failed", batch["status"]
    assert batch["problem"]["remedy"]
    return batch["problem"]


def bomb() -> bytes:
    """Return a workbook that unpacks to 2 GB."""
    out = io.BytesIO()
    piece = b"0" * (64 * 1024 * 1024)
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet,
    ):
        for _ in range(33):
            sheet.write(piece)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("email\n", "no_rows"),
        ("name\nThabo\n", "no_email_column"),
        ("a@example.com\nb@example.com\n", "no_email_column"),
        (b"email\nA\x00\x01\x02\x00\n", "not_text"),
        (b"PK\x03\x04 and nothing more", "not_a_workbook"),
        ("email" + ",x" * 2_000 + "\na@example.com\n", "too_many_columns"),
    ],
    ids=["no rows", "no e-mail", "no header", "NULs", "damaged workbook", "2,001 columns"],
)
def test_what_cannot_be_imported_says_why_and_nothing_is_half_done(
    robot, send, content, code
) -> None:
    assert failed(robot, send, content)["code"] == code
    assert nothing_was_imported()


@pytest.mark.parametrize("row", ["a@example.com", "a@example.com" + ",x" * 1_000_000])
@pytest.mark.parametrize("heading", ["x", '"x"'])
def test_a_million_columns_are_refused(robot, send, heading, row) -> None:
    problem = failed(robot, send, "email" + f",{heading}" * 1_000_000 + f"\n{row}\n")

    assert (problem["code"], problem["message"]) == (
        "too_many_columns",
        "The file has more than 1,000 columns; 1,000 are the most.",
    )
    assert nothing_was_imported()


def test_a_long_text_with_commas_is_no_million_of_columns(robot, send) -> None:
    long = "well, " * 300_000
    content = f'email,note\na@example.com,"{long}"\nb@example.com,fine\n'
    place = f"/api/v1/imports/{send(robot, content, go='import').json()['id']}"
    run_until_idle()

    [row] = robot.get(f"{place}/rows", {"status": "failed"}).json()["results"]
    assert (row["line"], row["error"]["code"]) == (2, "value_too_long")
    assert Contact.objects.count() == 1


def test_a_workbook_made_to_burst_is_refused_before_it_does(robot, send) -> None:
    assert failed(robot, send, bomb(), name="people.xlsx")["code"] == "zip_bomb"
    assert nothing_was_imported()


def test_a_protected_workbook_says_so(robot, send, shared_data) -> None:
    content = shared_data("data/csv/calamine/password.xlsx").read_bytes()

    assert failed(robot, send, content, name="people.xlsx")["code"] == "password"


def test_a_cell_of_10_megabytes_costs_its_own_row_alone(robot, send) -> None:
    content = f"email,note\na@example.com,{'x' * 10_000_000}\nb@example.com,fine\n"
    place = f"/api/v1/imports/{send(robot, content, go='import').json()['id']}"
    run_until_idle()

    counts = robot.get(place).json()["counts"]
    assert (counts["total"], counts["created"], counts["failed"]) == (2, 1, 1)
    [row] = robot.get(f"{place}/rows", {"status": "failed"}).json()["results"]
    assert (row["line"], row["error"]["code"]) == (2, "value_too_long")


def test_a_negative_telephone_number_is_left_out_with_the_reason(robot, send) -> None:
    content = "email,phone\na@example.com,-27825550134\n"
    place = f"/api/v1/imports/{send(robot, content, go='import').json()['id']}"
    run_until_idle()

    [row] = robot.get(f"{place}/rows").json()["results"]
    assert (row["status"], row["error"]["code"], row["error"]["value"]) == (
        "succeeded",
        "invalid_phone",
        "-27825550134",
    )
    assert Contact.objects.get().phone is None
