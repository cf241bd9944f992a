"""Writing and launching funnels: versions never change, and what makes no sense is refused with nothing done."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from core.errors import Conflict, Refused
from funnels.actions import (
    create_event,
    create_funnel,
    draft_version,
    enroll,
    launch_funnel,
    publish,
    update_event,
)
from funnels.actions.writing import write_steps
from funnels.models import Enrollment, Event, Funnel, FunnelVersion, Launch
from funnels.standard import BEFORE
from funnels.states import Anchor, Condition, Direction, Unit
from messaging.actions.templates import create_template, save_version
from messaging.models import Sender, Template
from tests.funnels.conftest import ALICE, DAY, ENDS, HOUR, STARTS, TODAY
from tests.funnels.telling import live_until, sent


@pytest.fixture
def letter(db: None) -> Template:
    template = create_template(name="letter", actor=ALICE)
    save_version(template, subject="Hello", html="<p>Hello</p>", actor=ALICE)
    return template


@pytest.fixture
def draft(senders, letter) -> FunnelVersion:
    """A draft with one step."""
    version = create_funnel("Mine", actor=ALICE).draft
    version.email_sender = senders[0]
    version.save()
    write_steps(version, [{"name": "hello", "email_template": letter}])
    return version


def with_step(version: FunnelVersion, **parts: object) -> FunnelVersion:
    version.steps.update(**parts)
    return version


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"anchor": Anchor.START, "amount": 1, "direction": Direction.AFTER}, "direction"),
        ({"condition": Condition.ATTENDED, "anchor": Anchor.ENROLLED}, "condition"),
        ({"condition": Condition.NO_SHOW, "anchor": Anchor.START}, "condition"),
    ],
)
def test_a_step_that_makes_no_sense_is_not_published(draft, parts, field):
    with pytest.raises(Refused) as refusal:
        publish(with_step(draft, **parts), actor=ALICE)

    draft.refresh_from_db()
    assert (refusal.value.field, draft.published_at) == (field, None)
    assert "hello" in refusal.value.message


def test_without_a_sender_a_step_or_content_nothing_is_published(draft, letter):
    draft.email_sender = None
    draft.save()
    with pytest.raises(Refused) as refusal:
        publish(draft, actor=ALICE)
    assert refusal.value.field == "email_sender"

    empty = create_funnel("Empty", actor=ALICE)
    with pytest.raises(Refused):
        publish(empty.draft, actor=ALICE)
    assert empty.published is None

    draft.email_sender = Sender.objects.get(name="Events")
    draft.save()
    with pytest.raises(Refused) as refusal:
        publish(
            with_step(draft, email_template=create_template(name="blank", actor=ALICE)), actor=ALICE
        )
    assert (refusal.value.field, refusal.value.value) == ("template", "blank")
    assert draft.funnel.published is None


def test_a_published_version_never_changes(draft, letter):
    publish(draft, actor=ALICE)

    with pytest.raises(Conflict):
        write_steps(draft, [])
    with pytest.raises(Conflict):
        publish(draft, actor=ALICE)
    assert draft.steps.count() == 1


def test_who_is_on_their_way_finishes_on_their_version(event, before, make_person):
    ada, ben = make_person("ada"), make_person("ben")
    enroll(event, [ada.pk], actor=ALICE)
    live_until(TODAY + HOUR)
    second = draft_version(before.funnel, actor=ALICE)
    second.steps.filter(name="reminder-24h").delete()
    publish(second, actor=ALICE)
    enroll(event, [ben.pk], actor=ALICE)

    live_until(STARTS)

    numbers = dict(
        Enrollment.objects.values_list("registration__contact__first_name", "version__number")
    )
    assert numbers == {"Ada": 1, "Ben": 2}
    assert [step for step, _, _ in sent(event, ada)].count("reminder-24h") == 2
    assert [step for step, _, _ in sent(event, ben)] == ["welcome", "reminder-1h", "reminder-1h"]


def test_a_template_that_changes_later_changes_nobody_on_their_way(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    template = Template.objects.get(name="reminder-1h")
    save_version(template, subject="Quite different", html="<p>x</p>", actor=ALICE)

    live_until(STARTS)

    assert len(sent(event)) == 5
    subjects = set(before.step_streams.values_list("stream__template_version__subject", flat=True))
    assert "Quite different" not in subjects


def test_a_step_that_would_come_after_the_event_is_not_launched(event, draft):
    publish(with_step(draft, amount=20, unit=Unit.DAYS), actor=ALICE)

    with pytest.raises(Refused) as refusal:
        launch_funnel(draft.funnel, event, actor=ALICE)

    assert refusal.value.code == "after_event"
    assert Launch.objects.count() == Enrollment.objects.count() == 0


def test_a_funnel_is_launched_once_and_only_when_published(event, before, draft):
    with pytest.raises(Conflict):
        launch_funnel(before.funnel, event, actor=ALICE)
    with pytest.raises(Refused) as refusal:
        launch_funnel(draft.funnel, event, actor=ALICE)

    assert refusal.value.field == "funnel"
    assert Launch.objects.count() == 1


def test_a_launch_takes_up_those_who_are_registered(event, funnels, ada):
    enroll(event, [ada.pk], actor=ALICE)
    assert Enrollment.objects.count() == 0

    launch_funnel(funnels[BEFORE], event, actor=ALICE)

    live_until(TODAY + HOUR)
    assert [step for step, _, _ in sent(event)] == ["welcome"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_who_enrolls_at_the_moment_of_a_launch_is_enrolled_in_it(event, funnels, ada):
    def launch() -> None:
        launch_funnel(funnels[BEFORE], event, actor=ALICE)
        connection.close()

    other = threading.Thread(target=launch)
    with transaction.atomic():
        enroll(event, [ada.pk], actor=ALICE)
        other.start()
        other.join(0.5)  # it waits for us, or has not begun
    other.join()

    assert Enrollment.objects.count() == 1


def test_its_pace_spreads_the_starts(event, funnels, make_person):
    Funnel.objects.update(starts_per_minute=60)
    launch_funnel(Funnel.objects.get(name=BEFORE), event, actor=ALICE)
    people = [make_person(f"guest{number}") for number in range(5)]

    enroll(event, [each.pk for each in people], actor=ALICE)
    limits = set(Enrollment.objects.values_list("run__throttle__per_second", flat=True))

    assert limits == {1.0}


def test_an_event_that_ends_before_it_starts_or_is_over_is_refused(db):
    for starts, ends, code in (
        (STARTS, STARTS - HOUR, "ends_before_start"),
        (TODAY - 2 * DAY, TODAY - DAY, "event_is_over"),
    ):
        with pytest.raises(Refused) as refusal:
            create_event(title="X", starts_at=starts, ends_at=ends, actor=ALICE)
        assert (refusal.value.code, refusal.value.field) == (code, "ends_at")
    with pytest.raises(Refused) as refusal:
        create_event(title="X", starts_at=STARTS, ends_at=ENDS, time_zone="Mars", actor=ALICE)
    assert refusal.value.field == "time_zone"
    assert Event.objects.count() == 0


def test_an_event_that_would_be_over_is_not_moved(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    with pytest.raises(Refused):
        update_event(event, starts_at=TODAY - 2 * DAY, ends_at=TODAY - DAY, actor=ALICE)

    event.refresh_from_db()
    assert event.starts_at == STARTS
    assert timedelta(0) < event.ends_at - TODAY
