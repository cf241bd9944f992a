"""The pages of staff: who may press what, what they show, and that nothing happens where it was refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from core import clock
from funnels.actions import (
    cancel_event,
    create_funnel,
    draft_version,
    end_launch,
    enroll,
    publish,
    set_attendance,
)
from funnels.actions.writing import STEP_PARTS, write_steps
from funnels.models import Enrollment, Event, Funnel, FunnelVersion, Launch, Registration
from funnels.standard import BEFORE
from funnels.states import Attendance, Unit
from messaging.actions.people import add_to_list, create_list
from messaging.models import Contact, Sender
from tests.funnels.conftest import ALICE, DAY, ENDS, HOUR, SETTLED, STARTS, TODAY
from tests.funnels.telling import at, live_until

ClientOf = Callable[..., Client]


def page(model: str, obj: Any, name: str = "change") -> str:
    return reverse(f"admin:funnels_{model}_{name}", args=[obj.pk])


@pytest.fixture
def registration(event, before, after, ada) -> Registration:
    enroll(event, [ada.pk], actor=ALICE)
    live_until(TODAY + HOUR)
    return Registration.objects.get()


def test_the_flow_shows_anchors_steps_branches_and_live_counts(
    client_of: ClientOf, bob: User, registration
):
    before, after = Launch.objects.order_by("launched_at", "pk")

    first = client_of(bob).get(page("launch", before)).content.decode()
    second = client_of(bob).get(page("launch", after)).content.decode()

    for word in ("Somebody enrolls", "The event starts", "reminder-24h", "24 hours before"):
        assert word in first
    assert "Sun 14 Mar, 18:00 SAST" in first
    assert first.count("<b>1</b> waiting") == 4
    assert first.count("<b>1</b> sent") == 1
    assert second.count("<b>1</b> until it is known who came") == 6
    for word in ("It is known who came", "Who attended", "No-shows", "sorry-missed"):
        assert word in second


def test_the_flow_counts_those_who_get_nothing_by_reason(
    client_of: ClientOf, bob: User, registration, make_person
):
    before, after = Launch.objects.order_by("launched_at", "pk")
    with at(STARTS - 2 * HOUR):
        enroll(registration.event, [make_person("ben").pk, make_person("cleo").pk], actor=ALICE)
    with at(ENDS):
        ben = Registration.objects.get(contact__first_name="Ben")
        set_attendance(ben, Attendance.ATTENDED, actor=ALICE)
    live_until(SETTLED)

    first = client_of(bob).get(page("launch", before)).content.decode()
    second = client_of(bob).get(page("launch", after)).content.decode()

    assert first.count("<b>2</b> skipped: enrolled after its moment") == 2  # e-mail and SMS
    assert first.count("<b>1</b> sent") == 2
    assert second.count("<b>2</b> skipped: for the other branch") == 3  # the steps of who came
    assert second.count("<b>1</b> skipped: for the other branch") == 3
    assert "until it is known who came" not in second


def test_a_persons_page_tells_what_was_sent_and_what_will_be(
    client_of: ClientOf, bob: User, registration
):
    told = client_of(bob).get(page("registration", registration)).content.decode()

    assert "Mon 1 Mar 2027, 11:00 SAST" in told
    assert told.count("Waits for its moment") == 4
    assert told.count("Once it is known who came") == 6


def test_a_dry_run_tells_what_anybody_would_get_and_writes_nothing(
    client_of: ClientOf, bob: User, event, before, after, make_person
):
    make_person("ben", agrees=("email",))
    asked = {
        "person": "ben@example.com",
        "enrolled_at": "2027-03-15T14:30",
        "attendance": "no_show",
    }

    told = client_of(bob).get(page("event", event, "dry_run"), asked).content.decode()

    assert "Not sent: enrolled after its moment" in told
    assert "Not sent: no consent" in told
    assert told.count("Not sent: for the other branch") == 3
    assert Registration.objects.count() == 0


def asked_of(client: Client, event: Event, person: str = "ben@example.com", **answers: str) -> str:
    """Return what the dry run says."""
    asked = {"person": person, **answers}
    return client.get(page("event", event, "dry_run"), asked).content.decode()


def test_a_dry_run_is_asked_and_answered_by_the_clocks_of_the_events_zone(
    client_of: ClientOf, bob: User, event, before, make_person
):
    make_person("ben")

    told = asked_of(client_of(bob), event, enrolled_at="2027-03-14T17:59")

    assert "Sun 14 Mar 2027, 17:59 SAST" in told  # the welcome
    assert told.count("Sun 14 Mar 2027, 18:00 SAST") == 2
    assert "In Africa/Johannesburg." in told


def test_a_dry_run_and_a_timeline_know_the_nights_where_a_person_lives(
    client_of: ClientOf, bob: User, event, before, make_person, senders
):
    Sender.objects.update(quiet_from=time(20), quiet_until=time(8), time_zone="UTC")
    ben = make_person("ben")
    Contact.objects.filter(pk=ben.pk).update(time_zone="Pacific/Auckland")  # 05:00 when it is 16:00
    enroll(event, [ben.pk], actor=ALICE)
    live_until(TODAY + 12 * HOUR)

    told = asked_of(client_of(bob), event)
    timeline = client_of(bob).get(page("registration", Registration.objects.get()))

    # 24 h before is 05:00 in Auckland: held until 08:00; an hour before is 04:00: of no use any more by 08:00.
    assert told.count("Sun 14 Mar 2027, 21:00 SAST") == 2
    assert told.count("Not sent: too late to be of use") == 2
    lines = timeline.content.decode()
    assert lines.count("Sun 14 Mar 2027, 21:00 SAST") == 2
    assert lines.count("not sent as things stand: too late to be of use") == 2


def test_a_timeline_says_who_would_not_be_written_to_as_things_stand(
    client_of: ClientOf, bob: User, event, before, make_person
):
    enroll(event, [make_person("ben", agrees=("email",)).pk], actor=ALICE)
    live_until(TODAY + HOUR)

    told = client_of(bob).get(page("registration", Registration.objects.get())).content.decode()

    assert told.count("Waits for its moment") == 4
    assert told.count("not sent as things stand: no consent") == 2


def test_a_dry_run_imagines_only_what_can_be(
    client_of: ClientOf, bob: User, event, before, after, make_person
):
    make_person("ben")
    end_launch(after, actor=ALICE)
    client = client_of(bob)

    late = asked_of(client, event, enrolled_at="2027-03-15T19:00")
    now = asked_of(client, event)
    with clock.travel(to=TODAY + HOUR):
        cancel_event(event, actor=ALICE)
    cancelled = asked_of(client, event)

    assert "ended on 2027-03-15 19:00 SAST" in late
    assert "welcome" in now
    assert "thank-you" not in now
    assert "is cancelled" in cancelled
    assert "welcome" not in late + cancelled


def test_a_rate_that_is_too_slow_is_warned_of(
    client_of: ClientOf, alice: User, event, before, make_person, senders
):
    enroll(event, [make_person(f"guest{n}").pk for n in range(30)], actor=ALICE)
    senders[0].rate_per_second = 0.02
    senders[0].save()

    told = client_of(alice).get(page("launch", before)).content.decode()

    assert "reminder-1h cannot be on time for everybody" in told
    assert "reminder-24h cannot be on time" not in told


def test_before_a_launch_it_is_told_how_long_it_takes_and_what_cannot_be_on_time(
    client_of: ClientOf, alice: User, event, funnels, make_person, senders
):
    enroll(event, [make_person(f"guest{n}").pk for n in range(30)], actor=ALICE)
    Sender.objects.filter(pk=senders[0].pk).update(rate_per_second=0.02)
    Sender.objects.filter(pk=senders[1].pk).update(daily_cap=20)
    unfit = draft_version(funnels[BEFORE], actor=ALICE).steps.get(name="welcome")
    lone = create_funnel("Too long", actor=ALICE).draft
    lone.email_sender = senders[0]
    lone.save()
    late = {"amount": 20, "unit": Unit.DAYS, "email_template": unfit.email_template}
    write_steps(lone, [{"name": "in-20-days", **late}])
    publish(lone, actor=ALICE)

    asked = client_of(alice).get(page("event", event, "launch"))

    told = [line.strip() for line in asked.context["question"].splitlines()]
    assert "– welcome, reminder-24h, E-mail: 30 messages, takes about 25 minutes." in told
    assert (
        "⚠ reminder-1h, E-mail: 30 messages, takes about 25 minutes, but is of use for about 15 minutes only: "
        "the last are skipped." in told
    )
    assert (
        "⚠ reminder-24h, reminder-1h, SMS: 30 messages, as fast as the provider takes them, but its sender may "
        "hand over 20 that day: the last are skipped." in told
    )
    assert told[-1].startswith("“Too long” cannot be launched: “in-20-days” would come on")


def test_a_funnels_own_pace_can_be_too_slow_for_a_reminder(
    client_of: ClientOf, alice: User, event, funnels, make_person
):
    enroll(event, [make_person(f"guest{n}").pk for n in range(30)], actor=ALICE)
    Funnel.objects.update(starts_per_minute=1)
    with clock.travel(to=STARTS - DAY - HOUR):
        early = client_of(alice).get(page("event", event, "launch")).context["question"]
    with clock.travel(to=STARTS - HOUR - timedelta(minutes=10)):
        late = client_of(alice).get(page("event", event, "launch")).context["question"]

    assert "too late" not in early
    assert late.count("at the funnel's pace the last people begin too late for it") == 2


def test_a_meaning_of_times_is_the_events_own_zone(client_of: ClientOf, oscar: User, senders):
    client = client_of(oscar)
    form = {
        "title": "Class",
        "starts_at_0": "2027-03-20",
        "starts_at_1": "10:00",
        "ends_at_0": "2027-03-20",
        "ends_at_1": "11:00",
        "time_zone": "America/New_York",
        "resources": "[]",
        "attendance_minutes": "10",
    }
    client.post(reverse("admin:funnels_event_add"), form)
    made = Event.objects.get()
    assert made.starts_at == datetime(2027, 3, 20, 14, tzinfo=UTC)

    shown = client.get(page("event", made)).content.decode()
    client.post(page("event", made), {**form, "title": "Lesson"})
    made.refresh_from_db()
    assert 'value="10:00' in shown
    assert (made.title, made.starts_at) == ("Lesson", datetime(2027, 3, 20, 14, tzinfo=UTC))

    client.post(page("event", made), {**form, "time_zone": "Europe/Berlin"})
    made.refresh_from_db()
    assert (made.starts_at.hour, made.ends_at.hour) == (9, 10)

    skipped = {
        **form,
        "time_zone": "Europe/Berlin",
        "starts_at_0": "2027-03-28",
        "starts_at_1": "02:30",
    }
    refused = client.post(page("event", made), {**skipped, "ends_at_0": "2027-03-28"})
    made.refresh_from_db()
    assert "does not exist in Europe/Berlin" in refused.content.decode()
    assert made.starts_at.day == 20


def test_a_template_that_there_is_not_is_no_template_of_a_step(
    client_of: ClientOf, oscar: User, funnels
):
    draft = draft_version(funnels[BEFORE], actor=ALICE)
    step = draft.steps.first()
    form = {
        "email_sender": str(draft.email_sender_id),
        "sms_sender": "",
        "steps-TOTAL_FORMS": "1",
        "steps-INITIAL_FORMS": "1",
        "steps-0-id": str(step.pk),
        "steps-0-version": str(draft.pk),
        **{f"steps-0-{name}": str(getattr(step, name) or "") for name in STEP_PARTS},
        "steps-0-amount": "0",
        "steps-0-position": "0",
        "steps-0-email_template": "0190b6c0-0000-7000-8000-000000000000",
        "steps-0-sms_template": "",
    }

    refused = client_of(oscar).post(page("funnelversion", draft), form)

    assert "Select a valid choice" in refused.content.decode()
    assert draft.steps.first().email_template == step.email_template


def test_staff_plan_an_event_and_move_it(client_of: ClientOf, oscar: User, before):
    client = client_of(oscar)
    form = {
        "title": "Class",
        "starts_at_0": "2027-03-20",
        "starts_at_1": "10:00:00",
        "ends_at_0": "2027-03-20",
        "ends_at_1": "11:00:00",
        "time_zone": "Europe/Berlin",
        "resources": "[]",
        "attendance_minutes": "10",
    }
    client.post(reverse("admin:funnels_event_add"), form)
    made = Event.objects.get(title="Class")
    client.post(
        page("event", made), {**form, "starts_at_0": "2027-03-19", "ends_at_0": "2027-03-19"}
    )
    refused = client.post(page("event", made), {**form, "ends_at_1": "09:00:00"})

    made.refresh_from_db()
    assert (made.starts_at, made.created_by) == (
        datetime(2027, 3, 19, 9, tzinfo=UTC),
        "staff:oscar",
    )
    assert "before it starts" in refused.content.decode()


#: button -> (model, who may press it, what it is pressed with)
BUTTONS = {
    "launch": ("event", {"alice", "oscar"}),
    "enroll": ("event", {"alice", "oscar"}),
    "cancel": ("event", {"alice", "oscar"}),
    "pause": ("launch", {"alice", "oscar"}),
    "end": ("launch", {"alice", "oscar"}),
    "withdraw": ("registration", {"alice", "oscar"}),
    "attended": ("registration", {"alice", "oscar"}),
    "publish": ("funnelversion", {"alice", "oscar"}),
    "draft": ("funnel", {"alice", "oscar"}),
}


@pytest.mark.parametrize("name", BUTTONS)
@pytest.mark.parametrize("who", ["alice", "oscar", "bob", "charlie"])
def test_who_may_press_what(
    request: pytest.FixtureRequest, client_of: ClientOf, registration, make_person, name, who
):
    model, allowed = BUTTONS[name]
    user = request.getfixturevalue(who)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    launch = Launch.objects.order_by("launched_at", "pk").first()
    draft = draft_version(launch.funnel, actor=ALICE)
    people = create_list(name="Guests", actor=ALICE)
    add_to_list(people, [make_person("ben")], actor=ALICE)
    things = {
        "event": registration.event,
        "launch": launch,
        "registration": registration,
        "funnelversion": draft,
        "funnel": launch.funnel,
    }
    before = snapshot()

    answers = {"list": people.pk, "funnel": launch.funnel.pk, "reason": ""}
    answer = client_of(user).post(page(model, things[model], name), answers)

    assert answer.status_code == (302 if who in allowed else 403)
    if who not in allowed:
        assert snapshot() == before


def snapshot() -> tuple[Any, ...]:
    return (
        list(Event.objects.values_list("status")),
        list(Launch.objects.values_list("status").order_by("pk")),
        list(Registration.objects.values_list("status", "attendance").order_by("pk")),
        list(Enrollment.objects.values_list("status").order_by("pk")),
        list(FunnelVersion.objects.values_list("published_at").order_by("pk")),
    )


def test_a_list_is_enrolled_by_a_button(
    client_of: ClientOf, oscar: User, event, before, make_person
):
    people = create_list(name="Guests", actor=ALICE)
    add_to_list(people, [make_person("ada"), make_person("ben")], actor=ALICE)

    client_of(oscar).post(page("event", event, "enroll"), {"list": people.pk})

    assert Enrollment.objects.count() == 2


def test_settling_is_a_persons_word(client_of: ClientOf, oscar: User, registration):
    with clock.travel(to=ENDS + HOUR):
        client_of(oscar).post(page("event", registration.event, "settle"))

    registration.refresh_from_db()
    assert registration.attendance == "no_show"
    assert Event.objects.get().status == "completed"
