"""Is the process alive; may it be sent requests."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from core import health


@pytest.fixture(autouse=True)
def own_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_probes", {})


def test_healthz_answers_without_asking_the_database(client: Client) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_readyz_is_ok_when_database_and_migrations_are(client: Client) -> None:
    response = client.get("/readyz")

    expected = {"status": "ok", "database": "ok", "migrations": "ok"}
    assert (response.status_code, response.json()) == (200, expected)


@pytest.mark.django_db
def test_readyz_counts_missing_migrations(client: Client) -> None:
    MigrationRecorder(connection).record_unapplied("core", "0001_initial")

    response = client.get("/readyz")

    assert response.status_code == 503
    assert response.json()["status"] == "unavailable"
    assert response.json()["migrations"].endswith(" not applied")


def test_readyz_without_a_database_is_unavailable(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise OperationalError("connection to 10.0.0.1 refused")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    response = client.get("/readyz")

    expected = {"status": "unavailable", "database": "unreachable"}
    assert (response.status_code, response.json()) == (503, expected)


@pytest.mark.django_db
def test_a_probe_is_reported_and_does_not_take_the_web_down(client: Client) -> None:
    def broken() -> str:
        raise DatabaseError

    health.register_probe("workers", lambda: {"alive": 0})
    health.register_probe("broken", broken)

    response = client.get("/readyz")

    assert response.status_code == 200
    assert response.json()["workers"] == {"alive": 0}
    assert response.json()["broken"] == "unknown"


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/healthz", "/readyz"])
def test_health_is_only_read(client: Client, address: str) -> None:
    assert client.post(address).status_code == 405
    assert "no-cache" in client.get(address)["Cache-Control"]
