"""Run Django's deployment checks as production would: every warning fails."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys

PRODUCTION = {
    "ENV_FILE": os.devnull,
    "DEBUG": "false",
    "SECRET_KEY": secrets.token_urlsafe(48),
    "ADDRESS_HASH_KEY": secrets.token_urlsafe(48),
    "ALLOWED_HOSTS": "longhaul.example",
    "PUBLIC_URL": "https://longhaul.example",
    "ALERT_EMAILS": "staff@longhaul.example",
    "EMAIL_URL": "smtp+tls://user:password@mail.example:587",
    "DATABASE_URL": "postgres://longhaul@127.0.0.1:5432/longhaul",
}


def main() -> int:
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, env={**os.environ, **PRODUCTION}, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
