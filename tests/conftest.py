"""What every test stands on: three people, API keys, no network beyond this machine.

Alice owns: she may do everything. Bob helps: he is staff and may look at everything, no more. Charlie has
a log-in and no rights at all. `client_of(name)` is a browser in which one of them is logged in.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, settings
from rest_framework.test import APIClient

from core.keys import issue_key
from core.roles import Role, set_role
from tests.shared_data import pytest_runtest_makereport, shared_data

__all__ = ["pytest_runtest_makereport", "shared_data"]

# Processes that tests start read no developer's .env, and never reach a real provider.
os.environ["ENV_FILE"] = os.devnull
os.environ["RESEND_API_KEY"] = os.environ["TWILIO_AUTH_TOKEN"] = os.environ["SMTP_URL"] = ""
os.environ["OPENAI_API_KEY"] = os.environ["OPENAI_BASE_URL"] = ""


# A busy machine draws examples slowly; that says nothing of the property.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(autouse=True)
def only_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves the machine."""
    connect = socket.socket.connect

    def guarded(sock: socket.socket, address: Any) -> None:
        if sock.family != socket.AF_UNIX and not is_loopback(address[0]):
            raise AssertionError(f"A test tried to reach {address}.")
        connect(sock, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


@pytest.fixture
def alice(db: None) -> User:
    """The owner: staff with every permission."""
    return staff("alice", Role.OWNER)


@pytest.fixture
def bob(db: None) -> User:
    """A helper: staff who may look at everything and change nothing."""
    return staff("bob", Role.VIEWER)


@pytest.fixture
def oscar(db: None) -> User:
    """An operator: staff who does the daily work and deletes nothing."""
    return staff("oscar", Role.OPERATOR)


@pytest.fixture
def charlie(db: None) -> User:
    """A stranger: somebody with a log-in and no rights."""
    return User.objects.create_user("charlie")


def staff(name: str, role: Role) -> User:
    user = User.objects.create_user(name)
    set_role(user, role, actor="system")
    return User.objects.get(pk=user.pk)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """Return a browser in which this person is logged in; it checks CSRF if asked to."""

    def log_in(user: User, *, enforce_csrf_checks: bool = False) -> Client:
        client = Client(enforce_csrf_checks=enforce_csrf_checks)
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def api_key(db: None) -> Callable[..., str]:
    """Return the token of a new key that carries exactly these scopes."""

    def make(*scopes: str, name: str = "robot") -> str:
        _, token = issue_key(name, scopes=scopes, known_scopes=scopes, actor="system")
        return token

    return make


@pytest.fixture
def api(api_key: Callable[..., str]) -> Callable[..., APIClient]:
    """Return an API caller whose key carries exactly these scopes; without any it has no key."""

    def caller(*scopes: str) -> APIClient:
        client = APIClient()
        if scopes:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {api_key(*scopes)}")
        return client

    return caller
