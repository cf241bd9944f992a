"""Log-ins of clients: made once, never reset, and the person alone sets the password, once."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from core import clock
from core.errors import Conflict, Refused
from core.models import AuditEntry
from enrichment.actions.users import create_client_user
from enrichment.models import ClientUser
from tests.enrichment.conftest import ALICE

pytestmark = pytest.mark.django_db
THABO = {"email": "Thabo@Example.com", "first_name": "Thabo", "last_name": "Mbeki"}
GOOD = "correct horse battery"


def made(client, **changes):
    return create_client_user(**{**THABO, **changes}, client=client, actor=ALICE)


def set_password(link: str, password: str = GOOD) -> tuple[int, str]:
    """Follow a link as a person does; return the status and the page after the form was sent."""
    browser = Browser()
    opened = browser.get(urlsplit(link).path, follow=True)
    if "new_password1" not in opened.content.decode():
        return opened.status_code, opened.content.decode()
    place = opened.redirect_chain[-1][0]
    sent = browser.post(place, {"new_password1": password, "new_password2": password}, follow=True)
    return sent.status_code, sent.content.decode()


def test_a_person_gets_a_log_in_without_a_password_and_a_link(acme):
    told = made(acme)

    user = User.objects.get()
    assert (user.username, user.email, user.first_name) == (
        "thabo@example.com",
        "thabo@example.com",
        "Thabo",
    )
    assert (user.has_usable_password(), user.is_staff, user.is_superuser) == (False, False, False)
    assert told.is_new
    assert told.link.startswith("http://127.0.0.1:8000/set-password/")
    assert ClientUser.objects.get().client == acme


def test_the_link_sets_the_password_once(acme):
    link = made(acme).link

    status, page = set_password(link)
    again = set_password(link, "another good one")

    assert (status, "Your password is set" in page) == (200, True)
    assert "This link is used up" in again[1]
    user = User.objects.get()
    assert user.check_password(GOOD)
    assert AuditEntry.objects.filter(verb="client_user.password_set").count() == 1


def test_a_weak_password_is_refused_and_the_link_still_works(acme):
    link = made(acme).link

    _, page = set_password(link, "12345678")

    assert "too common" in page
    assert not User.objects.get().has_usable_password()
    set_password(link)
    assert User.objects.get().check_password(GOOD)


def test_the_link_ends_after_three_days(acme):
    link = made(acme).link

    with time_machine.travel(clock.now() + timedelta(days=3, minutes=1)):
        _, page = set_password(link)

    assert "This link is used up" in page
    assert not User.objects.get().has_usable_password()


@pytest.mark.parametrize(
    "path", ["/set-password/MQ/abc-def", "/set-password/x/y", "/set-password/MQ/form"]
)
def test_a_forged_link_is_none(path, acme):
    made(acme)

    page = Browser().get(path, follow=True).content.decode()

    assert "This link is used up" in page
    assert "new_password1" not in page


def test_the_same_address_again_changes_nothing(acme):
    first = made(acme)
    second = made(acme, email=" THABO@example.com ", first_name="Other")

    assert (first.user, second.is_new) == (second.user, False)
    assert (User.objects.count(), ClientUser.objects.count()) == (1, 1)
    assert User.objects.get().first_name == "Thabo"


def test_an_existing_log_in_is_linked_and_never_reset(acme, client_named, alice):
    alice.email = "thabo@example.com"
    alice.set_password(GOOD)
    alice.save()

    told = made(acme)

    alice.refresh_from_db()
    assert (told.user, told.is_new, told.link) == (alice, False, "")
    assert (alice.check_password(GOOD), alice.is_superuser) == (True, True)
    assert ClientUser.objects.get().user == alice


def test_one_person_may_belong_to_several_clients(acme, client_named):
    made(acme)
    made(client_named("Beta"))

    assert (User.objects.count(), ClientUser.objects.count()) == (1, 2)


@pytest.mark.parametrize(
    ("changes", "with_client", "field"),
    [
        ({"role": "client"}, False, "client"),
        ({"role": "viewer"}, True, "client"),
        ({"role": "owner"}, False, "role"),
        ({"role": "king"}, False, "role"),
        ({"email": "nobody"}, True, "email"),
        ({"first_name": "x" * 151}, True, "first_name"),
    ],
)
def test_what_may_not_be_is_refused_and_nobody_is_made(changes, with_client, field, acme):
    with pytest.raises(Refused) as refusal:
        made(acme if with_client else None, **changes)

    assert refusal.value.field == field
    assert (User.objects.count(), ClientUser.objects.count()) == (0, 0)


def test_staff_get_their_role_and_no_role_is_changed_by_this(acme):
    told = made(None, role="viewer")

    assert (told.user.is_staff, told.user.groups.get().name) == (True, "Viewers")
    with pytest.raises(Conflict):
        made(None, role="operator")
    assert User.objects.get().groups.get().name == "Viewers"


@pytest.mark.parametrize(
    ("name", "status"), [("alice", 201), ("oscar", 403), ("bob", 403), ("charlie", 403)]
)
def test_only_owners_make_log_ins_over_http(name, status, api, acme, request):
    caller = api()
    caller.force_login(request.getfixturevalue(name))

    answer = caller.post("/api/v1/client-users", {**THABO, "client": acme.public_id})

    assert answer.status_code == status
    assert ClientUser.objects.count() == (status == 201)


def test_a_key_needs_the_scope_and_gets_the_link_once(api, acme):
    body = {**THABO, "client": acme.public_id}

    assert api("clients:write").post("/api/v1/client-users", body).status_code == 403
    first = api("users:create").post("/api/v1/client-users", body)
    set_password(first.json()["link"])
    second = api("users:create").post("/api/v1/client-users", body)

    assert (first.status_code, second.status_code) == (201, 200)
    assert (second.json()["is_new"], second.json()["link"]) == (False, "")


def test_owners_make_log_ins_in_the_admin(client_of, alice, oscar, acme):
    place = reverse("admin:enrichment_clientuser_add")
    form = {**THABO, "client": str(acme.pk)}

    assert client_of(oscar).post(place, form).status_code == 403
    shown = client_of(alice).post(place, form, follow=True).content.decode()

    link = re.search(r"http://127\.0\.0\.1:8000(/set-password/[\w-]+/[\w-]+)", shown)
    assert link
    assert "Your password is set" in set_password(link.group(1))[1]


def test_nothing_of_a_person_stands_in_audit_or_log(acme, caplog):
    made(acme)

    told = str(list(AuditEntry.objects.values())) + caplog.text
    assert "thabo" not in told.lower()
    assert "set-password" not in told
