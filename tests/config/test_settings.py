"""Development needs nothing; production refuses to start half-configured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

COMPLETE = {
    "DEBUG": "false",
    "SECRET_KEY": "s" * 60,
    "ADDRESS_HASH_KEY": "a" * 60,
    "ALLOWED_HOSTS": "longhaul.example,www.longhaul.example",
    "DATABASE_URL": "postgres://u@db.example/longhaul",
}
SHOW = """
import json, config.settings as s
names = [n for n in dir(s) if n.isupper()]
print(json.dumps({n: getattr(s, n) for n in names}, default=str))
"""


def load(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of its own, in which nothing else is set."""
    clean = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "-c", SHOW],
        env={**clean, **environment},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def loaded(tmp_path: Path, **environment: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(load(tmp_path, **environment).stdout)
    return found


def test_development_needs_nothing(tmp_path: Path) -> None:
    found = loaded(tmp_path)

    assert found["DEBUG"] is True
    assert found["HTTPS"] is False
    assert found["DATABASE_URL"] == f"sqlite:///{tmp_path}/longhaul.sqlite3"


@pytest.mark.parametrize(
    "missing", ["SECRET_KEY", "ADDRESS_HASH_KEY", "ALLOWED_HOSTS", "DATABASE_URL"]
)
def test_production_refuses_to_start_without(tmp_path: Path, missing: str) -> None:
    result = load(tmp_path, **{**COMPLETE, missing: ""})

    assert result.returncode == 1
    last_line = result.stderr.strip().splitlines()[-1]
    assert last_line.endswith(f"{missing} must be set when DEBUG is off. See .env.example.")


def test_production_is_https_throughout(tmp_path: Path) -> None:
    found = loaded(tmp_path, **COMPLETE)

    secure = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE")
    assert [found[name] for name in secure] == [True, True, True]
    assert found["SECURE_HSTS_SECONDS"] == 31_536_000
    assert found["ALLOWED_HOSTS"] == ["longhaul.example", "www.longhaul.example"]


def test_a_forwarded_scheme_is_believed_only_behind_a_proxy(tmp_path: Path) -> None:
    assert "SECURE_PROXY_SSL_HEADER" not in loaded(tmp_path, **COMPLETE)
    found = loaded(tmp_path, **COMPLETE, BEHIND_PROXY="true")
    assert found["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("f" * 60)

    found = loaded(tmp_path, **{**COMPLETE, "SECRET_KEY": ""}, SECRET_KEY_FILE=str(secret))

    assert found["SECRET_KEY"] == "f" * 60


def test_the_example_file_changes_nothing(tmp_path: Path) -> None:
    example = str(Path(settings.BASE_DIR, ".env.example"))

    assert loaded(tmp_path, ENV_FILE=example) == loaded(tmp_path)


def test_sqlite_takes_its_lock_at_the_start_and_writes_ahead(tmp_path: Path) -> None:
    database = loaded(tmp_path)["DATABASES"]

    assert database["default"]["OPTIONS"] == {  # type: ignore[index]
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
