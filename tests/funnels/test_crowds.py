"""500 people at one event, through its whole life: an exact ledger, nothing early, nothing twice."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from funnels.models import Enrollment, Event
from jobs.models import Run
from messaging.models import SandboxMessage
from tests.funnels.conftest import DAY, HOUR, TODAY
from tests.funnels.telling import live_until
from tests.stage import funnel_scenery as scenery

PEOPLE, LEAVERS = 500, 20


@pytest.mark.django_db(
    transaction=True
)  # thousands of savepoints in one transaction are not what happens
def test_500_people_get_exactly_what_they_should():
    with clock.travel(to=TODAY):
        scenery.make_crowd(PEOPLE)
        event = scenery.make_event(provider="sandbox", rate=None, lanes=1)
        assert scenery.enroll_everybody(event) == PEOPLE
    live_until(TODAY + HOUR)
    with clock.travel(to=TODAY + DAY):
        scenery.move(event, 3 * DAY)
        scenery.withdraw_some(event, LEAVERS)
        live_until(TODAY + DAY)
    event = Event.objects.get()
    live_until(event.ends_at)
    with clock.travel(to=event.ends_at + timedelta(minutes=10)):
        scenery.let_half_come(event)
    live_until(event.ends_at + 9 * DAY)

    stayers, half = PEOPLE - LEAVERS, (PEOPLE - LEAVERS) // 2
    outcome = scenery.outcome(event)
    ledger = {"welcome email sent": PEOPLE}
    for step in ("reminder-24h", "reminder-1h"):
        for channel in ("email", "sms"):
            ledger[f"{step} {channel} sent"] = stayers
            ledger[f"{step} {channel} cancelled"] = LEAVERS
    for step in (
        "thank-you",
        "resources",
        "nurture",
        "sorry-missed",
        "reengagement",
        "final-followup",
    ):
        ledger[f"{step} email sent"] = half
    assert outcome == {
        "ledger": dict(sorted(ledger.items())),
        "early": 0,
        "enrollments": {"completed": 2 * stayers, "ended": 2 * LEAVERS},
    }
    assert SandboxMessage.objects.count() == sum(
        count for name, count in ledger.items() if name.endswith("sent")
    )
    assert Enrollment.objects.count() == Run.objects.filter(workflow="funnels.accompany").count()
