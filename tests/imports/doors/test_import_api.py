"""A program takes a file the same way as staff do: upload, look, map, dry run, confirm, follow, correct, undo."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from imports.models import CsvBatch, StoredFile
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.models import Contact

PEOPLE = "email,name\na@example.com,Anna\nnobody,Bob\nc@example.com,Chris\n"


def test_it_polls_the_import_or_follows_its_run(api, robot, send) -> None:
    follower = api("runs:read")
    answer = send(robot, PEOPLE)
    place, reading = f"/api/v1/imports/{answer.json()['id']}", answer.headers["Location"]
    assert robot.get(place).headers["Retry-After"] == "2"
    assert follower.get(reading).json()["status"] == "ready"

    run_until_idle()
    assert follower.get(reading).json()["status"] == "completed"
    assert "Retry-After" not in robot.get(place).headers

    columns = [{"field": "email"}, {"field": "first_name"}]
    robot.put(f"{place}/mapping", {"columns": columns})
    importing = robot.post(f"{place}/confirm").headers["Location"]
    assert importing != reading
    assert robot.get(place).json()["run_url"] == importing
    run_until_idle()
    assert follower.get(importing).json()["progress"]["done"] == 3


def test_a_program_goes_the_whole_way(robot, send) -> None:
    answer = send(robot, PEOPLE, options=json.dumps({"list_name": "News"}))

    run = Run.objects.get(workflow="imports.read")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/api/v1/runs/{run.public_id}"
    assert answer.json()["run_url"] == answer.headers["Location"]
    assert answer.headers["Retry-After"] == "2"
    place = f"/api/v1/imports/{answer.json()['id']}"
    assert robot.get(place).json()["status"] == "reading"

    run_until_idle()
    assert robot.get(place).json()["status"] == "mapping"
    preview = robot.get(f"{place}/preview").json()
    assert preview["header"] == ["email", "name"]
    assert preview["rows"][0] == {"line": 2, "cells": ["a@example.com", "Anna"]}
    assert [(c["field"], c["by"]) for c in preview["columns"]] == [
        ("email", "name"),
        ("attribute:name", ""),
    ]

    columns = [{"field": "email"}, {"field": "first_name", "blank": "erase"}]
    mapped = robot.put(f"{place}/mapping", {"columns": columns, "bad_values": "reject"})
    assert mapped.status_code == 200
    assert mapped.json()["columns"][1] == {
        "heading": "name",
        "field": "first_name",
        "blank": "erase",
    }

    assert robot.post(f"{place}/dry-run").status_code == 202
    run_until_idle()
    dry = robot.get(place).json()["dry_run"]
    assert (dry["create"], dry["reject"]) == (2, 1)
    assert Contact.objects.count() == 0

    assert robot.post(f"{place}/confirm").status_code == 202
    run_until_idle()
    done = robot.get(place).json()
    assert done["status"] == "completed"
    assert {name: done["counts"][name] for name in ("total", "created", "failed", "processed")} == {
        "total": 3,
        "created": 2,
        "failed": 1,
        "processed": 3,
    }
    assert sorted(Contact.objects.values_list("first_name", flat=True)) == ["Anna", "Chris"]

    [failed] = robot.get(f"{place}/rows", {"status": "failed"}).json()["results"]
    assert (failed["line"], failed["error"]["code"], failed["error"]["value"]) == (
        3,
        "invalid_email",
        "nobody",
    )
    errors = b"".join(robot.get(f"{place}/error-file").streaming_content).decode("utf-8-sig")
    assert errors.splitlines()[1].startswith("nobody,Bob,3,email,invalid_email,")

    retried = robot.post(f"{place}/retry-failed")
    assert (retried.status_code, retried.json()["parent"]) == (202, done["id"])
    assert robot.post(f"{place}/undo").status_code == 202
    run_until_idle()
    assert robot.get(place).json()["status"] == "undone"
    assert Contact.objects.count() == 0


def test_it_goes_by_itself_as_far_as_it_was_told(robot, send) -> None:
    checked = send(robot, PEOPLE, go="check").json()["id"]
    started = send(robot, PEOPLE.replace("a@", "b@"), go="import").json()["id"]
    run_until_idle()

    assert CsvBatch.from_public_id(checked).status == "ready"
    assert CsvBatch.from_public_id(started).status == "completed"


def test_no_name_is_imported_under_a_guess_until_somebody_says_the_encoding(robot, send) -> None:
    content = "email,name\na@example.com,Jiří Dvořák\n".encode("cp1250")
    place = f"/api/v1/imports/{send(robot, content, go='import').json()['id']}"
    run_until_idle()

    found = robot.get(place).json()
    assert (found["status"], found["problem"]["code"]) == ("failed", "encoding_guessed")
    assert not Contact.objects.exists()

    robot.post(f"{place}/reading", {"encoding": "cp1250"})
    run_until_idle()
    assert robot.get(place).json()["status"] == "completed"
    assert Contact.objects.get().attributes == {"name": "Jiří Dvořák"}


def test_the_reading_is_overruled(robot, send) -> None:
    content = "email|name\na@example.com|Anna\n"
    place = f"/api/v1/imports/{send(robot, content).json()['id']}"
    run_until_idle()

    answer = robot.post(f"{place}/reading", {"delimiter": "|", "header_line": 0})

    assert answer.status_code == 202
    run_until_idle()
    layout = robot.get(place).json()["layout"]
    assert (layout["delimiter"], layout["header_line"]) == ("|", 0)


def test_the_same_request_again_makes_no_second_import(robot, send) -> None:
    key = str(uuid4())

    first = send(robot, PEOPLE, IDEMPOTENCY_KEY=key)
    again = send(robot, PEOPLE, IDEMPOTENCY_KEY=key)
    other = send(robot, PEOPLE + "d@example.com,Dan\n", IDEMPOTENCY_KEY=key)

    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.json()["code"] == "idempotency_key_reused"
    assert CsvBatch.objects.count() == StoredFile.objects.count() == 1


def test_the_same_file_again_names_the_earlier_import(robot, send) -> None:
    first = send(robot, PEOPLE).json()["id"]
    second = send(robot, PEOPLE).json()

    assert second["imported_before"] == [first]
    assert StoredFile.objects.count() == 1


def test_pause_holds_resume_goes_on_cancel_ends(robot, send) -> None:
    place = f"/api/v1/imports/{send(robot, PEOPLE).json()['id']}"
    run_until_idle()
    robot.put(f"{place}/mapping", {"columns": [{"field": "email"}, {"field": "first_name"}]})
    robot.post(f"{place}/confirm")

    assert robot.post(f"{place}/pause").json()["status"] == "paused"
    run_until_idle()
    assert Contact.objects.count() == 0
    assert robot.post(f"{place}/resume").status_code == 202
    assert robot.post(f"{place}/cancel").json()["status"] == "cancelled"
    run_until_idle()
    assert Contact.objects.count() == 0


@pytest.mark.parametrize("verb", ["pause", "resume", "retry-failed", "dry-run", "confirm"])
def test_what_the_status_forbids_is_a_conflict(robot, send, verb) -> None:
    place = f"/api/v1/imports/{send(robot, PEOPLE).json()['id']}"

    assert robot.post(f"{place}/{verb}").status_code == 409


def test_columns_and_rules_are_changed_together_or_not_at_all(robot, send) -> None:
    place = f"/api/v1/imports/{send(robot, PEOPLE).json()['id']}"
    run_until_idle()

    answer = robot.put(f"{place}/mapping", {"mode": "create", "columns": [{"field": "email"}]})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/columns")
    assert robot.get(place).json()["mode"] == "upsert"


@pytest.mark.parametrize(
    ("fields", "status", "pointer"),
    [
        ({"target": "planets"}, 404, "#/target"),
        ({"go": "fly"}, 400, "#/go"),
        ({"mode": "merge"}, 400, "#/mode"),
        ({"colums": "[]"}, 400, "#/colums"),
        ({"options": "{"}, 400, None),
        ({"columns": '[{"field": 3, "x": 1}]'}, 400, "#/columns/0/x"),
        ({"options": '{"shoe_size": "45"}'}, 422, "#/shoe_size"),
        ({"encoding": "klingon"}, 422, "#/encoding"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_and_nothing_is_kept(
    robot, send, fields, status, pointer
) -> None:
    answer = send(robot, PEOPLE, **fields)

    assert answer.status_code == status
    assert [e["pointer"] for e in answer.json().get("errors", [])][:1] == (
        [pointer] if pointer else []
    )
    assert CsvBatch.objects.count() == 0


def test_imports_are_listed_and_filtered(robot, send) -> None:
    first = send(robot, PEOPLE).json()["id"]
    second = send(robot, PEOPLE, target="suppressions").json()["id"]

    def ids(**query: str) -> list[str]:
        return [each["id"] for each in robot.get("/api/v1/imports", query).json()["results"]]

    assert ids() == [second, first]
    assert ids(target="contacts") == [first]
    assert robot.get("/api/v1/imports", {"status": "lost"}).status_code == 422


def test_what_rows_can_become_is_told(robot) -> None:
    [contacts] = [t for t in robot.get("/api/v1/import-targets").json() if t["name"] == "contacts"]

    assert "email" in [field["name"] for field in contacts["fields"]]
    assert "list_name" in [option["name"] for option in contacts["options"]]
    assert contacts["match_keys"][0] == "email"


def test_staff_call_it_from_their_browser_with_their_own_rights(
    bob, oscar, client_of, send
) -> None:
    assert send(client_of(bob), PEOPLE).status_code == 403
    assert send(client_of(oscar), PEOPLE).status_code == 202
