"""api_key create|list|revoke: the callers of the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core import clock
from core.api.permissions import known_scopes
from core.audit import command_actor
from core.errors import Refused
from core.keys import issue_key, revoke_key
from core.models import ApiKey


class Command(BaseCommand):
    help = "Create, list or revoke API keys. A new key's token is printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="make a key and print its token")
        create.add_argument("name")
        create.add_argument("--scope", action="append", dest="scopes", default=[])
        create.add_argument("--days", type=int, help="days until it expires; never without")
        verbs.add_parser("list", help="show every key")
        verbs.add_parser("revoke", help="end a key at once").add_argument("prefix")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, options["verb"])(options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None

    def create(self, options: dict[str, Any]) -> None:
        days = options["days"]
        _, token = issue_key(
            options["name"],
            scopes=options["scopes"],
            known_scopes=known_scopes(),
            actor=command_actor(),
            expires_at=None if days is None else clock.now() + timedelta(days=days),
        )
        self.stdout.write(token)

    def list(self, options: dict[str, Any]) -> None:
        for key in ApiKey.objects.all():
            self.stdout.write(
                f"{key.prefix}  {state_of(key):8}  {key.name}  {' '.join(key.scopes)}"
            )

    def revoke(self, options: dict[str, Any]) -> None:
        key = ApiKey.objects.filter(prefix=options["prefix"]).first()
        if key is None:
            raise CommandError(f"There is no key {options['prefix']!r}. See: api_key list")
        revoke_key(key, actor=command_actor())
        self.stdout.write(f"{key.prefix} is revoked")


def state_of(key: ApiKey) -> str:
    """Return one word for a key's state."""
    if key.revoked_at:
        return "revoked"
    return "expired" if key.expires_at and key.expires_at <= clock.now() else "usable"
