"""Sources that point at local servers, and a sync that is driven to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from jobs.models import Run
from jobs.testing import run_until_idle
from tenders.actions import create_source, request_sync
from tenders.actions.installing import shipped_sources
from tenders.models import TenderSource
from tests.fakes.notices import Board
from tests.fakes.tender_sources import ContractsFinder, CursorServer, SouthAfrica, TenderServer

#: A Monday, at noon.
MONDAY = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SERVERS = {
    "za_etenders": SouthAfrica,
    "uk_find_a_tender": CursorServer,
    "uk_contracts_finder": ContractsFinder,
}


@pytest.fixture
def served(settings: Settings) -> Iterator[Callable[..., TenderServer]]:
    """Start a server that behaves like a source, by the source's key."""
    settings.TENDER_PRIVATE_HOSTS = ["127.0.0.1"]
    with ExitStack() as stack:

        def start(key: str = "uk_find_a_tender", **kwargs: Any) -> TenderServer:
            server = SERVERS[key](Board(), **kwargs)
            return stack.enter_context(server)

        yield start


@pytest.fixture
def source_row(db: None) -> TenderSource:
    """A shipped source that asks nobody."""
    [row] = [row for row in shipped_sources() if row["key"] == "uk_find_a_tender"]
    return create_source(actor="system", start=MONDAY, **row)


@pytest.fixture
def source_at(db: None) -> Callable[..., TenderSource]:
    """Make a shipped source that asks a local server, without its long waits."""

    def make(
        server: TenderServer,
        key: str = "uk_find_a_tender",
        *,
        start: datetime = MONDAY,
        **changes: Any,
    ) -> TenderSource:
        [row] = [row for row in shipped_sources() if row["key"] == key]
        swift = {
            "url": server.list_url,
            "item_url": f"{server.list_url}/release/{{ocid}}",
            "interval_seconds": 0.001,
            "wait_seconds": 1,
            "retry_seconds": [0, 0],
            "enricher": "none",
        }
        return create_source(actor="system", start=start, **{**row, **swift, **changes})

    return make


@pytest.fixture
def synced() -> Callable[..., Run]:
    """Sync a source as far as it goes; return the run."""

    def sync(source: TenderSource, *, advance: bool = True) -> Run:
        run = request_sync(source, actor="staff:alice")
        run_until_idle(advance=advance)
        run.refresh_from_db()
        assert run.status == "completed", (run.status, run.error)
        source.refresh_from_db()
        return run

    return sync
