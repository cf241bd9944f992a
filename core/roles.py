"""What staff may do, in three roles: the owner everything, operators the work, viewers look.

Roles are Django groups, brought up to date whenever somebody is given one; finer rights can be given in
the admin beside them.
"""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission, User
from django.db import models, transaction
from django.db.models import Q, QuerySet

from core.audit import record

OPERATORS_APPS = ("campaigns", "funnels", "tenders", "imports", "enrichment", "messaging", "jobs")


class Role(models.TextChoices):
    OWNER = "owner"
    OPERATOR = "operator"
    VIEWER = "viewer"


def set_role(user: User, role: str, *, actor: str) -> None:
    """Make a user staff with exactly this role."""
    with transaction.atomic():
        user.is_staff = True
        user.is_superuser = role == Role.OWNER
        user.save(update_fields=["is_staff", "is_superuser"])
        user.groups.set([] if user.is_superuser else [group_of(Role(role))])
        record("staff.role_set", user, actor=actor, role=str(role))


def group_of(role: Role) -> Group:
    """Return a role's group, holding the permissions that exist today."""
    group, _ = Group.objects.get_or_create(name=f"{role.label}s")
    group.permissions.set(permissions_of(role))
    return group


def permissions_of(role: Role) -> QuerySet[Permission]:
    view = Q(codename__startswith="view_", content_type__app_label__in=OPERATORS_APPS)
    work = Q(content_type__app_label__in=OPERATORS_APPS) & ~Q(codename__startswith="delete_")
    return Permission.objects.filter(work if role == Role.OPERATOR else view)
