"""A client, a price, and a server that answers about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest

from enrichment.actions.clients import create_client
from enrichment.actions.enhancing import enhance_client
from enrichment.actions.money import set_price
from enrichment.models import Client, ModelPrice
from jobs.models import Run
from jobs.testing import run_until_idle
from tests.fakes.fixtures import openai_server
from tests.fakes.openai_server import OpenAiServer

__all__ = ["openai_server"]
ALICE = "staff:alice"
MODEL = "gpt-test"


@pytest.fixture
def price(db: None) -> ModelPrice:
    """What the test's model costs: $1 in, $0.25 cached, $4 out, per million tokens."""
    return set_price(
        MODEL,
        valid_from=date(2020, 1, 1),
        input_price=Decimal(1),
        cached_price=Decimal("0.25"),
        output_price=Decimal(4),
        actor=ALICE,
    )


@pytest.fixture
def model(openai_server: OpenAiServer, price: ModelPrice) -> OpenAiServer:
    """A model that can be asked and paid."""
    return openai_server


@pytest.fixture
def client_named(db: None) -> Callable[..., Client]:
    def make(name: str = "Acme", **details: str) -> Client:
        details.setdefault("domain", f"{name.lower().replace(' ', '-')}.co.za")
        return create_client(name=name, actor=ALICE, **details)

    return make


@pytest.fixture
def acme(client_named: Callable[..., Client]) -> Client:
    return client_named("Acme")


@pytest.fixture
def enhanced(acme: Client) -> Callable[[], Run]:
    """Ask about Acme, and drive the run as far as it goes."""

    def go() -> Run:
        run = enhance_client(acme, actor=ALICE)
        run_until_idle(advance=True)
        run.refresh_from_db()
        return run

    return go
