"""The lock check names every disagreement, and asks no network for it."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

from tools.lock_check import Lock, check, differences

SQLPARSE = f"sqlparse=={version('sqlparse')} \\\n    --hash=sha256:0\n"


@pytest.fixture
def asks(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.in"
    path.write_text("# why\nsqlparse>=0.3  # reads SQL\n")
    return path


def lock(tmp_path: Path, text: str, name: str = "requirements.txt") -> Lock:
    path = tmp_path / name
    path.write_text(f"# compiled\n{text}")
    return Lock.read(path)


def test_a_lock_that_holds_what_is_asked_for_passes(asks: Path, tmp_path: Path) -> None:
    assert check(asks, lock(tmp_path, SQLPARSE)) == []


def test_a_version_nobody_accepts_is_named(asks: Path, tmp_path: Path) -> None:
    asks.write_text("sqlparse>=99\n")

    problems = check(asks, lock(tmp_path, SQLPARSE))

    assert problems[0].endswith(f"sqlparse>=99 is needed, but {version('sqlparse')} is locked")


def test_what_is_missing_is_named(asks: Path, tmp_path: Path) -> None:
    problems = check(asks, lock(tmp_path, ""))

    assert [problem.rpartition(": ")[2] for problem in problems] == [
        "sqlparse>=0.3 is needed and not locked"
    ]


def test_what_a_requirement_itself_needs_must_be_locked(asks: Path, tmp_path: Path) -> None:
    asks.write_text("django\n")
    text = f"django=={version('django')} \\\n    --hash=sha256:0\n{SQLPARSE}"

    problems = check(asks, lock(tmp_path, text))

    assert len(problems) == 1
    assert "asgiref" in problems[0]
    assert problems[0].endswith("is needed and not locked")


def test_what_nobody_needs_is_named(asks: Path, tmp_path: Path) -> None:
    problems = check(asks, lock(tmp_path, f"{SQLPARSE}left-pad==1.0 \\\n    --hash=sha256:0\n"))

    assert [problem.rpartition(": ")[2] for problem in problems] == [
        "left-pad is locked and nobody needs it"
    ]


def test_what_only_another_platform_needs_may_stand(asks: Path, tmp_path: Path) -> None:
    other = "colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:0\n"

    assert check(asks, lock(tmp_path, SQLPARSE + other)) == []


def test_what_is_locked_must_be_what_is_installed(asks: Path, tmp_path: Path) -> None:
    problems = check(asks, lock(tmp_path, "sqlparse==0.3.1 \\\n    --hash=sha256:0\n"))

    assert problems[0].endswith("sqlparse==0.3.1 is locked, but another is installed")


def test_an_entry_without_a_hash_is_named(asks: Path, tmp_path: Path) -> None:
    problems = check(asks, lock(tmp_path, f"sqlparse=={version('sqlparse')}\n"))

    assert problems[0].endswith("is not pinned with a hash")


def test_the_two_locks_must_agree(tmp_path: Path) -> None:
    product = lock(tmp_path, "a==1 \\\n", "product.txt")
    development = lock(tmp_path, "a==2 \\\n", "development.txt")

    assert len(differences(product, development)) == 1
    assert differences(product, product) == []
