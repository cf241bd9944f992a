"""Three roles: the owner does everything, operators the work, viewers look."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command

from core.models import AuditEntry
from core.roles import OPERATORS_APPS, Role, set_role

pytestmark = pytest.mark.django_db


def rights(user: User) -> tuple[bool, bool, bool]:
    names = ("view_campaign", "launch_campaign", "delete_campaign")
    view, launch, delete = (user.has_perm(f"campaigns.{name}") for name in names)
    return view, launch, delete


def test_each_role_may_what_it_says(alice: User, oscar: User, bob: User, charlie: User) -> None:
    assert rights(alice) == (True, True, True)
    assert rights(oscar) == (True, True, False)
    assert rights(bob) == (True, False, False)
    assert rights(charlie) == (False, False, False)


def test_no_role_but_the_owner_reaches_accounts_or_keys(oscar: User, bob: User) -> None:
    reached = {
        name.partition(".")[0] for user in (oscar, bob) for name in user.get_all_permissions()
    }

    assert reached <= set(OPERATORS_APPS)


def test_a_new_role_replaces_the_old_one(alice: User) -> None:
    set_role(alice, Role.VIEWER, actor="system")

    assert rights(User.objects.get(username="alice")) == (True, False, False)
    assert AuditEntry.objects.about(alice)[0].detail == {"role": "viewer"}


def test_create_staff_prints_a_password_once() -> None:
    out = StringIO()
    call_command("create_staff", "dora", "--role", "operator", stdout=out)

    first, second = out.getvalue().splitlines()
    assert first.startswith("Log in as dora with ")
    assert User.objects.get(username="dora").check_password(first.rpartition(" ")[2])
    assert second == "dora is operator"


def test_create_staff_again_changes_the_role_and_keeps_the_password() -> None:
    call_command("create_staff", "dora", "--password", "a-long-password", stdout=StringIO())
    out = StringIO()
    call_command("create_staff", "dora", "--role", "viewer", stdout=out)

    dora = User.objects.get(username="dora")
    assert out.getvalue() == "dora is viewer\n"
    assert dora.check_password("a-long-password")
    assert rights(dora) == (True, False, False)
