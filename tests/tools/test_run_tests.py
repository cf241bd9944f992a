"""The PostgreSQL half: found, or plainly said to be missing, and required on a build server."""

from __future__ import annotations

import pytest

from tools.run_tests import candidates, find_postgresql, run_postgresql

NOWHERE = "postgres://nobody@127.0.0.1:1/nothing"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", NOWHERE)


def test_a_named_server_is_the_only_one_tried() -> None:
    assert list(candidates()) == [NOWHERE]


def test_without_a_name_this_machine_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL")

    hosts = {url.partition("@")[2].partition("/")[0] for url in candidates()}
    assert hosts == {"127.0.0.1:5432"}


def test_a_server_that_does_not_answer_is_none() -> None:
    url, reason = find_postgresql()

    assert url == ""
    assert "127.0.0.1" in reason


@pytest.mark.parametrize(("ci", "passes"), [("true", False), ("", True)])
def test_the_missing_half_is_said_and_fails_a_build_server_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ci: str, passes: bool
) -> None:
    monkeypatch.setenv("CI", ci)

    assert run_postgresql([]) is passes
    assert "The PostgreSQL half was NOT run: " in capsys.readouterr().out
