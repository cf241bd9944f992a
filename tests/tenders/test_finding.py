"""What a search finds is the same on both databases, and what people mean."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import clock
from core.errors import Refused
from tenders.finding import Criteria, matching
from tenders.models import TenderSource
from tests.tenders.conftest import MONDAY
from tests.tenders.test_saving import save

PUBLISHED: dict[str, dict[str, Any]] = {
    "bridge": {
        "title": "Construction of a bridge",
        "description": "Steel bridge over the river, with façade lighting",
        "classification": {"scheme": "CPV", "id": "45221110"},
        "mainProcurementCategory": "works",
        "value": {"amount": 900_000, "currency": "GBP"},
        "tenderPeriod": {"endDate": "2026-03-05T12:00:00Z"},
    },
    "clean": {
        "title": "Cleaning services",
        "description": "Cleaning of offices; no bridge building",
        "classification": {"scheme": "CPV", "id": "90910000-9"},
        "mainProcurementCategory": "services",
        "value": {"amount": 12_000, "currency": "GBP"},
        "tenderPeriod": {"endDate": "2026-04-30T12:00:00Z"},
        "items": [{"id": "1", "deliveryAddresses": [{"region": "Wales"}]}],
    },
    "road": {
        "title": "Road works",
        "description": "Resurfacing. Cleaners not needed.",
        "classification": {"scheme": "CPV", "id": "45233141"},
        "status": "cancelled",
    },
}


@pytest.fixture
def published(source_row: TenderSource) -> TenderSource:
    buyers = {"bridge": "Leeds City Council", "clean": "City of Leeds", "road": "Ministère Routier"}
    save(
        source_row,
        [
            {
                "ocid": ocid,
                "id": "1",
                "date": "2026-03-01T00:00:00Z",
                "buyer": {"name": buyers[ocid]},
                "tender": {"status": "active", **tender},
            }
            for ocid, tender in PUBLISHED.items()
        ],
    )
    return source_row


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ({}, "bridge clean road"),
        ({"all": "bridge"}, "bridge clean"),
        ({"all": "BRIDGE steel"}, "bridge"),
        ({"all": "facade"}, "bridge"),
        ({"all": "brid"}, ""),
        ({"all": "brid*"}, "bridge clean"),
        ({"any": "steel resurfacing"}, "bridge road"),
        ({"exact": "bridge over the river"}, "bridge"),
        ({"exact": "river bridge"}, ""),
        ({"all": "bridge", "none": "offices"}, "bridge"),
        ({"none": "clean*"}, "bridge"),
        ({"cpv": ["45"]}, "bridge road"),
        ({"cpv": ["45000000"]}, "bridge road"),
        ({"cpv": ["45220000", "9091"]}, "bridge clean"),
        ({"categories": ["works"]}, "bridge"),
        ({"buyer": "leeds"}, "bridge clean"),
        ({"buyer": "leeds council"}, "bridge"),
        ({"regions": ["Wales"]}, "clean"),
        ({"least_value": Decimal(13_000)}, "bridge"),
        ({"most_value": Decimal(13_000), "currency": "gbp"}, "clean"),
        ({"phases": ["cancelled"]}, "road"),
        ({"closing_within_days": 7}, "bridge"),
        ({"is_open": True}, "bridge clean"),
        ({"sources": ["elsewhere"]}, ""),
        ({"published_from": MONDAY}, ""),
        ({"all": "'; DROP TABLE x; --"}, ""),
        ({"all": "!& | <->"}, None),
    ],
)
def test_what_is_found(published: TenderSource, wish: dict[str, Any], found: str | None):
    criteria = Criteria(**wish)
    with clock.travel(to=MONDAY):
        if found is None:
            with pytest.raises(Refused, match="holds no word"):
                matching(criteria)
            return
        assert sorted(matching(criteria).values_list("ocid", flat=True)) == found.split()
        assert Criteria.from_json(criteria.as_json()) == criteria


def test_a_tender_that_closed_is_not_open(published: TenderSource):
    with clock.travel(to=MONDAY + timedelta(days=10)):
        assert [t.ocid for t in matching(Criteria(is_open=True))] == ["clean"]


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"cpv": ["4"]}, "cpv"),
        ({"cpv": ["45x"]}, "cpv"),
        ({"phases": ["open"]}, "phases"),
        ({"least_value": Decimal(2), "most_value": Decimal(1)}, "least_value"),
        ({"closing_within_days": -1}, "closing_within_days"),
        ({"any": "a " * 41}, "any"),
    ],
)
def test_what_cannot_be_meant_is_refused(db: None, wish: dict[str, Any], field: str):
    with pytest.raises(Refused) as refusal:
        matching(Criteria(**wish))

    assert refusal.value.field == field
