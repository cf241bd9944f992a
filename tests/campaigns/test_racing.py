"""Several press at the same moment; it starts once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from campaigns.actions import launch_campaign, schedule_campaign, start_due_campaigns
from campaigns.models import Campaign
from core import clock
from core.errors import Conflict
from core.models import AuditEntry
from jobs.models import Run
from messaging.models import Stream
from tests.campaigns.conftest import ALICE

CALLERS = 4


@pytest.fixture
def _postgres() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("real threads race on PostgreSQL; in-memory SQLite has one connection")


def at_once(work: Callable[[], object]) -> list[object]:
    """Return what each of several threads, starting together, got; a Conflict counts as an answer."""
    barrier = Barrier(CALLERS)

    def caller(_: int) -> object:
        try:
            barrier.wait()
            return work()
        except Conflict as conflict:
            return conflict
        finally:
            connection.close()

    with ThreadPoolExecutor(CALLERS) as threads:
        return list(threads.map(caller, range(CALLERS)))


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_postgres")
class TestRaces:
    def test_four_who_press_send_start_it_once(self, campaign: Campaign) -> None:
        answers = at_once(
            lambda: launch_campaign(Campaign.objects.get(pk=campaign.pk), actor=ALICE)
        )

        assert sum(isinstance(answer, Campaign) for answer in answers) == 1
        assert sum(isinstance(answer, Conflict) for answer in answers) == CALLERS - 1
        self.assert_started_once(campaign)

    def test_four_checkers_start_it_once(self, campaign: Campaign) -> None:
        soon = clock.now() + timedelta(minutes=1)
        schedule_campaign(campaign, at=soon, time_zone="UTC", actor=ALICE)

        with clock.travel(by=timedelta(minutes=5)):
            answers = at_once(start_due_campaigns)

        assert sorted(len(starts) for starts in answers) == [0, 0, 0, 1]  # type: ignore[arg-type]
        self.assert_started_once(campaign)

    def assert_started_once(self, campaign: Campaign) -> None:
        assert Run.objects.filter(workflow="campaigns.send").count() == 1
        assert Stream.objects.count() == 1
        assert AuditEntry.objects.about(campaign).filter(verb="campaign.launched").count() == 1
