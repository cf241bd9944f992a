"""Notices as the three sources publish them, and the board on which they hang: who asks sees what was out by then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from core import clock

Release = dict[str, Any]


def spelt(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Notice:
    """A release, and when its source showed it first."""

    at: datetime
    release: Release

    @property
    def key(self) -> tuple[str, str]:
        return self.release["ocid"], self.release["id"]


@dataclass
class Board:
    """The notices of one source, oldest first."""

    notices: list[Notice] = field(default_factory=list)
    now: Callable[[], datetime] = clock.now

    def put(self, at: datetime, release: Release) -> Notice:
        notice = Notice(at, release)
        self.notices.append(notice)
        self.notices.sort(key=lambda each: each.at)
        return notice

    def between(self, start: datetime, end: datetime) -> list[Notice]:
        """What lies in a span, both ends included, and is out by now."""
        end = min(end, self.now())
        return [each for each in self.notices if start <= each.at <= end]

    def of(self, ocid: str) -> list[Notice]:
        out = [each for each in self.notices if each.at <= self.now()]
        return [each for each in out if each.release["ocid"] == ocid]

    def keys(self) -> set[tuple[str, str]]:
        return {each.key for each in self.notices}


def uk_release(
    number: int, at: datetime, *, stage: int = 1, prefix: str = "ocds-h6vhtk"
) -> Release:
    """A release as UK services write them; `stage` 1 is a tender, 2 an amendment, 3 an award."""
    ocid = f"{prefix}-{number:06x}"
    zone = "+01:00" if number % 2 else "Z"
    local = at + timedelta(hours=1) if number % 2 else at
    release: Release = {
        "ocid": ocid,
        "id": f"{number:06d}-{stage}",
        "date": local.strftime("%Y-%m-%dT%H:%M:%S") + zone,
        "tag": [("tender", "tenderAmendment", "award")[stage - 1]],
        "initiationType": "tender",
        "language": "en",
        "buyer": {"id": f"GB-{number % 40}", "name": f"Council of Ward {number % 40}"},
        "tender": {
            "id": ocid,
            "title": f"Road maintenance and cleaning, lot {number}",
            "description": f"Upkeep of {number} streets, drains and bridges. £{number}, façade works.",
            "status": "active" if stage < 3 else "complete",
            "classification": {"scheme": "CPV", "id": f"{45000000 + number % 900:08d}"},
            "mainProcurementCategory": ("works", "services", "goods")[number % 3],
            "value": {"amount": 1000.5 + number, "currency": "GBP"},
            "tenderPeriod": {"endDate": spelt(at + timedelta(days=20 + stage))},
            "items": [{"id": "1", "deliveryAddresses": [{"region": f"UK{number % 12}"}]}],
        },
    }
    if stage == 3:
        release["awards"] = [
            {"id": "a1", "status": "active", "suppliers": [{"id": "s", "name": "Acme Ltd"}]}
        ]
    return release


def za_release(number: int, at: datetime, *, closes_in: int = 21) -> Release:
    """A release as South Africa's eTenders writes them: dated by the day, without a tag."""
    day = at.strftime("%Y-%m-%dT00:00:00Z")
    ocid = f"ocds-9t57fa-{number}"
    return {
        "ocid": ocid,
        "id": f"{ocid}-{day}",
        "date": day,
        "initiationType": "tender",
        "parties": [],
        "planning": {},
        "tender": {
            "id": str(number),
            "title": f"SCM/{number}/2026",
            "status": "active",
            "category": "Supplies: Medical",
            "province": "Gauteng",
            "mainProcurementCategory": "goods",
            "description": f"Supply of laboratory equipment, order {number}",
            "procuringEntity": {"id": "55", "name": "Agricultural Research Council"},
            "tenderPeriod": {
                "startDate": day,
                "endDate": (at + timedelta(days=closes_in)).strftime("%Y-%m-%dT11:00:00Z"),
            },
            "value": {"amount": 0, "currency": "ZAR"},
            "documents": [],
        },
        "awards": [],
        "contracts": [],
        "buyer": {"id": "55", "name": "Agricultural Research Council"},
    }
