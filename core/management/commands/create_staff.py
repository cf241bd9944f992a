"""create_staff USERNAME: make a staff log-in, or change its role; prints a new password once."""

from __future__ import annotations

import getpass
import secrets
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandParser

from core.audit import command_actor
from core.roles import Role, set_role


class Command(BaseCommand):
    help = "Make a staff log-in, or change the role of one; a new one's password is printed once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", nargs="?", default="")
        parser.add_argument("--role", choices=Role.values, default=Role.OWNER)
        parser.add_argument("--password", help="choose it instead of having one made")

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"] or getpass.getuser()
        user, is_new = User.objects.get_or_create(username=username)
        if is_new or options["password"]:
            self.give_password(user, options["password"] or secrets.token_urlsafe(12))
        set_role(user, options["role"], actor=command_actor())
        self.stdout.write(f"{username} is {options['role']}")

    def give_password(self, user: User, password: str) -> None:
        user.set_password(password)
        user.save(update_fields=["password"])
        self.stdout.write(f"Log in as {user.username} with {password}")
