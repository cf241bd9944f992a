"""Every file of ../shared/data/csv comes to a clear end over the API: read as it is, or refused with the reason."""

from __future__ import annotations

import json

import pytest

from jobs.testing import run_until_idle
from tests.shared_data import SHARED

FOLDER = SHARED / "data/csv"
FILES = sorted(
    str(path.relative_to(FOLDER))
    for path in FOLDER.rglob("*")
    if path.is_file() and path.suffix not in (".json", ".md", ".py") and "120k" not in path.name
) or ["absent"]
#: The description of this one names another telephone number, and the letters in it were lost by its makers.
LOST_LETTERS = "csv-spectrum/csvs/location_coordinates.csv"
SPECTRUM = [n for n in FILES if n.startswith("csv-spectrum") and n != LOST_LETTERS] or ["absent"]
#: What holds no table at all; everything else is one.
REFUSED = {
    "calamine/empty_file.xlsx": "empty_file",
    "calamine/password.xlsx": "password",
    "csvkit/dummy.csv.gz": "not_a_table",
    "csvkit/empty.csv": "no_rows",
    "csvkit/null_byte.csv": "not_text",
    "csvkit/test_empty_columns_long_row.csv": "no_rows",
    "csvkit/test_empty_columns_short_row.csv": "no_rows",
}


@pytest.fixture
def read(robot, send, shared_data):
    """Upload a file and have it read; returns its end: the import, or the problem at the door."""

    def to_the_end(name: str) -> dict:
        answer = send(robot, shared_data(f"data/csv/{name}"))
        if answer.status_code != 202:
            return {"status": "failed", "problem": answer.json()}
        run_until_idle()
        place = f"/api/v1/imports/{answer.json()['id']}"
        return {**robot.get(place).json(), "preview": robot.get(f"{place}/preview").json()}

    return to_the_end


@pytest.mark.parametrize("name", FILES)
def test_it_is_read_or_refused_by_name(read, name) -> None:
    end = read(name)

    if name in REFUSED:
        assert (end["status"], end["problem"]["code"]) == ("failed", REFUSED[name])
        assert end["problem"]["remedy"]
    else:
        assert end["problem"] is None, end["problem"]
        assert end["status"] == "mapping"
        assert end["counts"]["total"] > 0
        shown = json.dumps(end["preview"]["rows"], ensure_ascii=False)
        assert ("\N{REPLACEMENT CHARACTER}" in shown) == (name == LOST_LETTERS)


@pytest.mark.parametrize("name", SPECTRUM)
def test_it_holds_what_its_description_says(read, shared_data, name) -> None:
    described = name.replace("/csvs/", "/json/").replace(".csv", ".json")

    preview = read(name)["preview"]

    rows = [dict(zip(preview["header"], row["cells"], strict=True)) for row in preview["rows"]]
    assert rows == json.loads(shared_data(f"data/csv/{described}").read_text())
