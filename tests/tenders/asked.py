"""Somebody who asked to be told of tenders, and what reaches them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from core import clock
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.models import SandboxMessage
from tenders.actions import create_search
from tenders.actions.telling import ALERT, request_alerts
from tenders.finding import Criteria
from tenders.models import SavedSearch, TenderSource
from tests.tenders.conftest import MONDAY
from tests.tenders.test_saving import save

ALICE = "staff:alice"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def ask(to: str = "ada@example.com", **parts: Any) -> SavedSearch:
    """Save a search of bridges, instant unless told otherwise."""
    wishes = {"criteria": Criteria(all="bridge"), "frequency": "instant", "name": "Bridges"}
    return create_search(to=to, actor=ALICE, **{**wishes, **parts})


def publish(source: TenderSource, ocid: str = "bridge", *, day: int = 0, **tender: Any) -> None:
    """Publish a release of a tender, as a sync of the present would bring it."""
    base = {
        "title": f"A {ocid}",
        "status": "active",
        "tenderPeriod": {"endDate": "2026-03-20T12:00:00Z"},
        "documents": [{"id": "1", "url": f"https://notices.example/{ocid}"}],
    }
    date = (MONDAY + timedelta(days=day)).isoformat()
    release = {"ocid": ocid, "id": f"{ocid}-{day}", "date": date, "buyer": {"name": "Leeds"}}
    save(source, [{**release, "tender": {**base, **tender}}])


def tell(at: datetime) -> Run:
    """Let the alerts do their work at a moment, and the outbox what follows; return their run."""
    with clock.travel(to=at):
        request_alerts(actor=ALICE)
        run_until_idle()
    run = Run.objects.filter(workflow=ALERT).latest("pk")
    assert run.error is None, run.error
    return run


def subjects(to: str = "ada@example.com") -> list[str]:
    """Return what stands on the letters that somebody got, in their order."""
    letters = SandboxMessage.objects.filter(recipient=to).order_by("pk")
    return list(letters.values_list("subject", flat=True))
