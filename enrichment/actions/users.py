"""Log-ins for people of a client: made once, linked again, and never given a password by anybody but themselves."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from core import audit
from core.errors import Conflict, Refused
from core.roles import Role, set_role
from enrichment.models import Client, ClientUser
from messaging.addresses import normalise_email

CLIENT = "client"
#: Roles that can be given here: an owner is made on the machine alone (`manage.py create_staff`).
ROLES = (CLIENT, Role.VIEWER.value, Role.OPERATOR.value)


@dataclass(frozen=True)
class Made:
    """A log-in; `link` is where its new owner sets a password, empty for one that existed."""

    user: User
    is_new: bool
    link: str


def create_client_user(
    *,
    email: str,
    first_name: str,
    last_name: str,
    actor: str,
    role: str = CLIENT,
    client: Client | None = None,
) -> Made:
    """Make a log-in, or link the one that stands under this address; nothing of an existing one is reset.

    Again with the same address changes nothing more. Raises Refused where role and client do not go together, Conflict
    where the existing one has another role. For owners alone: the doors see to that.
    """
    address = normalise_email(email)
    _check_role(role, client)
    with transaction.atomic():
        user, is_new = _found_or_made(address, first_name, last_name)
        if is_new and role != CLIENT:
            set_role(user, role, actor=actor)
        if not is_new:
            _check_same_role(user, role)
        if client is not None:
            _link(user, client, actor=actor)
        audit.record(
            "client_user.created" if is_new else "client_user.found", user, actor=actor, role=role
        )
    may_set = is_new or not (user.has_usable_password() or user.last_login)
    return Made(user, is_new, link_for(user) if may_set else "")


def link_for(user: User) -> str:
    """Return the address at which a person sets the password, once, within PASSWORD_RESET_TIMEOUT (3 days)."""
    place = reverse(
        "enrichment:set-password",
        args=[
            urlsafe_base64_encode(force_bytes(user.pk)),
            default_token_generator.make_token(user),
        ],
    )
    return f"{settings.PUBLIC_URL}{place}"


def _found_or_made(address: str, first_name: str, last_name: str) -> tuple[User, bool]:
    """Return the log-in of an address; two who make it at once make one."""
    of_address = Q(email__iexact=address) | Q(username__iexact=address)
    existing = User.objects.filter(of_address).order_by("pk").first()
    if existing:
        return existing, False
    user, is_new = User.objects.get_or_create(
        username=address,
        defaults={
            "email": address,
            "first_name": _name("first_name", first_name),
            "last_name": _name("last_name", last_name),
            "password": "!",  # nobody's: it opens nothing
        },
    )
    return user, is_new


def _link(user: User, client: Client, *, actor: str) -> None:
    linked, is_new = ClientUser.objects.get_or_create(
        client=client, user=user, defaults={"created_by": actor}
    )
    if is_new:
        audit.record("client_user.linked", linked, actor=actor, client=client.public_id)


def _check_role(role: str, client: Client | None) -> None:
    if role not in ROLES:
        raise Refused(
            f"The role {role!r} is not given here.",
            field="role",
            value=role,
            remedy=f"There are: {', '.join(ROLES)}.",
        )
    if (role == CLIENT) != (client is not None):
        raise Refused(
            "A client's person needs the client, and staff have none.",
            field="client",
            value=client.public_id if client else "",
            remedy="Name the client for the role client, and only then.",
        )


def _check_same_role(user: User, role: str) -> None:
    """Staff may be linked to a client, too; but nobody becomes staff or changes rights by this."""
    has = role_of(user)
    if role != CLIENT and has != role:
        raise Conflict(
            f"There is a log-in with this address, as {has}.",
            field="role",
            value=role,
            remedy="Change its role with manage.py create_staff, if that is wanted.",
        )


def role_of(user: User) -> str:
    if user.is_superuser:
        return Role.OWNER
    names = {f"{role.label}s": role.value for role in Role}
    held = [names[name] for name in user.groups.values_list("name", flat=True) if name in names]
    return held[0] if user.is_staff and held else CLIENT


def _name(field: str, text: str) -> str:
    cleaned = " ".join(text.replace("\0", "").split())
    if len(cleaned) > 150:
        raise Refused("A name has 150 letters at most.", field=field, value=text[:60])
    return cleaned
