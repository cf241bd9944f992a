"""What holds whatever happens: moved events, cancelled ones, people who leave, outages, pauses."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from core import clock
from core.errors import Conflict, Refused
from funnels.actions import (
    cancel_event,
    complete_event,
    create_funnel,
    draft_version,
    enroll,
    launch_funnel,
    pause_launch,
    publish,
    resume_launch,
    set_attendance,
    settle_event,
    update_event,
    withdraw,
)
from funnels.actions.writing import write_steps
from funnels.models import Enrollment, Event, Registration
from funnels.states import Anchor, Attendance, Unit
from jobs.models import Run
from jobs.testing import crash_after, history, run_one
from messaging.actions.consent import give_consent, withdraw_consent
from messaging.actions.senders import change_sender
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import Message
from tests.funnels.conftest import ALICE, DAY, ENDS, HOUR, SETTLED, STARTS, TODAY
from tests.funnels.telling import at, ledger, live_until, sent, told

MINUTE = timedelta(minutes=1)


def move(event: Event, by: timedelta) -> None:
    update_event(event, starts_at=STARTS + by, ends_at=ENDS + by, actor=ALICE)


# --- the event moves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [timedelta(days=3), timedelta(days=-3)])
def test_a_moved_event_moves_its_reminders(event, before, ada, by):
    enroll(event, [ada.pk], actor=ALICE)
    with at(TODAY + HOUR):
        move(event, by)

    live_until(STARTS + by + HOUR)

    assert sent(event)[1:] == [
        ("reminder-24h", "email", STARTS + by - DAY),
        ("reminder-24h", "sms", STARTS + by - DAY),
        ("reminder-1h", "email", STARTS + by - HOUR),
        ("reminder-1h", "sms", STARTS + by - HOUR),
    ]
    live_until(STARTS + abs(by) + HOUR)
    assert Enrollment.objects.get().status == "completed"


def test_letters_tell_the_new_time(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    with at(TODAY + HOUR):
        move(event, DAY)

    live_until(STARTS + DAY)

    streams = {
        m.stream.funnel_step.step.name: m.stream.data["event"] for m in Message.objects.all()
    }
    assert streams["reminder-1h"]["start_at"] == (STARTS + DAY).isoformat()


def test_who_was_reminded_before_the_move_is_not_reminded_of_that_day_again(
    event, before, make_person
):
    early, late = make_person("ada"), make_person("ben")
    enroll(event, [early.pk], actor=ALICE)
    with at(STARTS - DAY + MINUTE):
        enroll(event, [late.pk], actor=ALICE)  # after the moment of the 24 h reminder
        move(event, 7 * DAY)

    live_until(STARTS + 8 * DAY)

    assert [each for each in sent(event, early) if each[0] == "reminder-24h"] == [
        ("reminder-24h", "email", STARTS - DAY),
        ("reminder-24h", "sms", STARTS - DAY),
    ]
    assert [each for each in sent(event, late) if each[0] == "reminder-24h"] == [
        ("reminder-24h", "email", STARTS + 6 * DAY),
        ("reminder-24h", "sms", STARTS + 6 * DAY),
    ]
    for person in (early, late):
        assert [each for each in sent(event, person) if each[0] == "reminder-1h"] == [
            ("reminder-1h", "email", STARTS + 7 * DAY - HOUR),
            ("reminder-1h", "sms", STARTS + 7 * DAY - HOUR),
        ]


def test_an_event_moved_so_close_that_a_reminder_is_too_late_skips_it(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    with at(TODAY + HOUR):
        update_event(event, starts_at=TODAY + 3 * HOUR, ends_at=TODAY + 4 * HOUR, actor=ALICE)

    live_until(TODAY + 5 * HOUR)

    assert sent(event) == [
        ("welcome", "email", TODAY),
        ("reminder-1h", "email", TODAY + 2 * HOUR),
        ("reminder-1h", "sms", TODAY + 2 * HOUR),
    ]
    assert ledger(event)["reminder-24h", "email", "expired"] == 1


@pytest.mark.parametrize("by", [DAY, -3 * DAY])
def test_what_comes_after_moves_with_the_end(event, after, ada, by):
    enroll(event, [ada.pk], actor=ALICE)
    move(event, by)
    with at(ENDS + by):
        set_attendance(Registration.objects.get(), Attendance.ATTENDED, actor=ALICE)

    live_until(SETTLED + 2 * DAY)

    assert sent(event)[:1] == [("thank-you", "email", SETTLED + by)]


def test_an_event_moved_while_half_of_the_reminders_are_out_reminds_everybody_once(
    event, before, make_person, senders
):
    people = [make_person(f"guest{number}") for number in range(10)]
    enroll(event, [each.pk for each in people], actor=ALICE)
    live_until(TODAY + HOUR)
    change_sender(senders[0], daily_cap=5, actor=ALICE)
    with at(STARTS - DAY + MINUTE):
        out = [each for each in sent(event) if each[0] == "reminder-24h"]
        change_sender(senders[0], daily_cap=None, actor=ALICE)
        move(event, 7 * DAY)

    live_until(STARTS + 8 * DAY)

    assert Counter(channel for _, channel, _ in out) == {"email": 5, "sms": 10}
    assert Counter(each for each in sent(event) if each[0] != "welcome") == {
        ("reminder-24h", "email", STARTS - DAY): 5,
        ("reminder-24h", "sms", STARTS - DAY): 10,
        ("reminder-24h", "email", STARTS + 6 * DAY): 5,
        ("reminder-1h", "email", STARTS + 7 * DAY - HOUR): 10,
        ("reminder-1h", "sms", STARTS + 7 * DAY - HOUR): 10,
    }
    for person in people:
        steps = Counter((step, channel) for step, channel, _ in sent(event, person))
        assert set(steps.values()) == {1}


def test_an_event_that_ends_early_lets_what_follows_its_end_follow_at_once(event, senders, ada):
    template = create_template(name="letter", actor=ALICE)
    save_version(template, subject="Hello", html="<p>Hello</p>", actor=ALICE)
    draft = create_funnel("Afterwards", actor=ALICE).draft
    draft.email_sender = senders[0]
    draft.save()
    step = {"anchor": Anchor.END, "amount": 10, "unit": Unit.MINUTES, "email_template": template}
    write_steps(draft, [{"name": "goodbye", **step}])
    launch_funnel(publish(draft, actor=ALICE).funnel, event, actor=ALICE)
    enroll(event, [ada.pk], actor=ALICE)
    with at(STARTS + 30 * MINUTE):
        complete_event(event, actor=ALICE)

    live_until(ENDS)

    assert sent(event) == [("goodbye", "email", STARTS + 40 * MINUTE)]


# --- somebody ends it --------------------------------------------------------------------------------------------


def test_a_cancelled_event_ends_everything_at_once(event, before, after, ada):
    enroll(event, [ada.pk], actor=ALICE)
    with at(STARTS - 2 * HOUR):
        cancel_event(event, actor=ALICE)
        waiting = Message.objects.filter(status="pending").count()

    live_until(STARTS + 10 * DAY)

    assert waiting == 0
    assert [step for step, _, _ in sent(event)] == ["welcome", "reminder-24h", "reminder-24h"]
    assert set(Enrollment.objects.values_list("status", "ended_reason")) == {
        ("ended", "event cancelled")
    }
    accompany = Run.objects.filter(workflow="funnels.accompany")
    assert list(accompany.values_list("status", flat=True)) == ["cancelled", "cancelled"]


def test_who_withdraws_gets_nothing_more_even_of_what_waits_in_the_outbox(
    event, before, make_person
):
    ada, ben = make_person("ada"), make_person("ben")
    enroll(event, [ada.pk, ben.pk], actor=ALICE)
    with at(STARTS - 2 * HOUR):
        withdraw(Registration.objects.get(contact=ada), actor=ALICE)

    live_until(STARTS)

    assert [step for step, _, _ in sent(event, ada)] == ["welcome", "reminder-24h", "reminder-24h"]
    assert len(sent(event, ben)) == 5
    mine = Enrollment.objects.get(registration__contact=ada)
    assert (mine.status, mine.ended_reason, mine.run.status) == ("ended", "withdrawn", "cancelled")


def test_who_withdraws_and_comes_back_gets_what_is_to_come_and_nothing_twice(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    with at(STARTS - 5 * DAY):
        withdraw(Registration.objects.get(), actor=ALICE)
    with at(STARTS - 3 * DAY):
        enroll(event, [ada.pk], actor=ALICE)

    live_until(STARTS)

    assert [step for step, _, _ in sent(event)] == [
        "welcome",
        "reminder-24h",
        "reminder-24h",
        "reminder-1h",
        "reminder-1h",
    ]
    assert Enrollment.objects.get().round == 2


def test_who_comes_back_on_a_new_version_gets_nothing_twice_either(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    with at(STARTS - 5 * DAY):
        withdraw(Registration.objects.get(), actor=ALICE)
        publish(draft_version(before.funnel, actor=ALICE), actor=ALICE)
    with at(STARTS - 3 * DAY):
        enroll(event, [ada.pk], actor=ALICE)

    live_until(STARTS)

    assert Enrollment.objects.get().version.number == 2
    assert [(step, channel) for step, channel, _ in sent(event)] == [
        ("welcome", "email"),
        ("reminder-24h", "email"),
        ("reminder-24h", "sms"),
        ("reminder-1h", "email"),
        ("reminder-1h", "sms"),
    ]


def test_nobody_can_withdraw_twice_or_enroll_in_what_is_over(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    withdraw(Registration.objects.get(), actor=ALICE)

    with pytest.raises(Conflict):
        withdraw(Registration.objects.get(), actor=ALICE)
    with clock.travel(to=ENDS), pytest.raises(Refused) as refusal:
        enroll(event, [ada.pk], actor=ALICE)
    assert refusal.value.code == "event_is_over"
    assert Registration.objects.get().status == "withdrawn"


# --- consent is asked at the moment of sending -------------------------------------------------------------------


def test_who_takes_consent_back_gets_nothing_more_on_that_channel(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    with at(STARTS - 2 * HOUR):
        withdraw_consent(ada, Channel.SMS, source="STOP", actor="recipient")

    live_until(STARTS)

    assert ledger(event)["reminder-1h", "sms", "no_consent"] == 1
    assert ledger(event)["reminder-1h", "email", "sent"] == 1


def test_who_agrees_after_enrolling_is_reminded_on_that_channel_too(event, before, make_person):
    ada = make_person("ada", agrees=("email",))
    enroll(event, [ada.pk], actor=ALICE)
    with at(STARTS - 2 * HOUR):
        give_consent(ada, Channel.SMS, source="call", actor=ALICE)

    live_until(STARTS)

    assert ledger(event)["reminder-24h", "sms", "no_consent"] == 1
    assert ledger(event)["reminder-1h", "sms", "sent"] == 1


# --- late ---------------------------------------------------------------------------------------------------------


def test_after_an_outage_a_reminder_whose_moment_has_passed_is_skipped(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    live_until(TODAY + HOUR)

    live_after_outage = STARTS - timedelta(minutes=40)  # 20 minutes after the last reminder was due
    with clock.travel(to=live_after_outage):
        live_until(STARTS)

    assert [step for step, _, _ in sent(event)] == ["welcome"]
    assert ledger(event)["reminder-24h", "email", "expired"] == 1
    assert ledger(event)["reminder-1h", "email", "expired"] == 1


def test_ten_minutes_late_a_reminder_of_the_hour_still_goes(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    live_until(TODAY + HOUR)

    with clock.travel(to=STARTS - timedelta(minutes=50)):
        live_until(STARTS)

    assert ledger(event)["reminder-1h", "email", "sent"] == 1


def test_a_pause_holds_and_going_on_applies_the_rules(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    with at(STARTS - DAY - HOUR):
        pause_launch(before, actor=ALICE, reason="wrong link")
    live_until(STARTS - 3 * HOUR)
    assert [step for step, _, _ in sent(event)] == ["welcome"]

    with at(STARTS - 3 * HOUR):
        resume_launch(before, actor=ALICE)
    live_until(STARTS)

    assert ledger(event) == {
        ("welcome", "email", "sent"): 1,
        ("reminder-24h", "email", "expired"): 1,
        ("reminder-24h", "sms", "expired"): 1,
        ("reminder-1h", "email", "sent"): 1,
        ("reminder-1h", "sms", "sent"): 1,
    }


def test_who_enrolls_while_it_is_paused_is_welcomed_when_it_goes_on(event, before, ada):
    pause_launch(before, actor=ALICE)
    enroll(event, [ada.pk], actor=ALICE)
    live_until(TODAY + HOUR)
    assert sent(event) == []

    with at(TODAY + 2 * HOUR):
        resume_launch(before, actor=ALICE)
    live_until(TODAY + 3 * HOUR)

    assert sent(event) == [("welcome", "email", TODAY + 2 * HOUR)]


# --- attendance ----------------------------------------------------------------------------------------------------


def test_nobody_seen_at_all_tells_nobody_anything_until_a_person_says_so(event, after, ada):
    enroll(event, [ada.pk], actor=ALICE)
    live_until(SETTLED + 5 * HOUR)
    event.refresh_from_db()

    assert (event.status, event.asks_since) == ("planned", SETTLED)
    assert told(event) == []

    with at(SETTLED + 6 * HOUR):
        settle_event(event, actor=ALICE)
    live_until(SETTLED + 7 * HOUR)
    assert sent(event) == [("sorry-missed", "email", SETTLED + 6 * HOUR)]


def test_while_nobody_says_who_came_runs_look_more_and_more_seldom(event, after, ada):
    enroll(event, [ada.pk], actor=ALICE)

    live_until(SETTLED + 30 * DAY)

    run = Enrollment.objects.get().run
    looks = [key for key, _ in history(run) if key.startswith("write what is known")]
    assert len(looks) == 5  # a day, 2, 4, 8 and 16 days after the settlement should have been
    assert run.status == "waiting"
    with at(SETTLED + 31 * DAY):
        settle_event(event, actor=ALICE)
    assert sent(event) == [("sorry-missed", "email", SETTLED + 31 * DAY)]


def test_a_late_change_never_sends_the_contrary(event, after, make_person):
    ada, ben = make_person("ada"), make_person("ben")
    enroll(event, [ada.pk, ben.pk], actor=ALICE)
    with at(ENDS):
        set_attendance(Registration.objects.get(contact=ben), Attendance.ATTENDED, actor=ALICE)
    with at(SETTLED + HOUR):
        mine = set_attendance(
            Registration.objects.get(contact=ada), Attendance.ATTENDED, actor=ALICE
        )

    live_until(SETTLED + 10 * DAY)

    assert sent(event, ada) == [("sorry-missed", "email", SETTLED)]
    assert mine.attendance_note == "Had been told otherwise (no_show)."
    assert len(sent(event, ben)) == 3


def test_a_change_before_anything_went_out_changes_the_branch(event, after, ada):
    enroll(event, [ada.pk], actor=ALICE)
    with at(SETTLED - HOUR):
        pause_launch(after, actor=ALICE)
        set_attendance(Registration.objects.get(), Attendance.NO_SHOW, actor=ALICE)
    with at(SETTLED + HOUR):
        set_attendance(Registration.objects.get(), Attendance.ATTENDED, actor=ALICE)
        resume_launch(after, actor=ALICE)

    live_until(SETTLED + 10 * DAY)

    assert [step for step, _, _ in sent(event)] == ["thank-you", "resources", "nurture"]


def test_a_change_there_and_back_sends_the_first_branch_once(event, after, ada):
    enroll(event, [ada.pk], actor=ALICE)
    with at(SETTLED - HOUR):
        pause_launch(after, actor=ALICE)
        set_attendance(Registration.objects.get(), Attendance.NO_SHOW, actor=ALICE)
    for number, word in enumerate([Attendance.ATTENDED, Attendance.NO_SHOW], 1):
        with at(SETTLED + number * HOUR):
            set_attendance(Registration.objects.get(), word, actor=ALICE)
    with at(SETTLED + 4 * HOUR):
        resume_launch(after, actor=ALICE)

    live_until(SETTLED + 10 * DAY)

    assert [step for step, _, _ in sent(event)] == [
        "sorry-missed",
        "reengagement",
        "final-followup",
    ]


@pytest.mark.parametrize(
    ("step", "moment"),
    [
        ("write what is known", TODAY),
        ("write what is known#2", STARTS + HOUR),
        ("finish", STARTS + HOUR),
    ],
)
def test_a_run_that_dies_after_any_step_writes_everything_once(event, before, ada, step, moment):
    enroll(event, [ada.pk], actor=ALICE)
    run = Enrollment.objects.get().run
    if moment > TODAY:
        live_until(STARTS - MINUTE)
    with clock.travel(to=moment):
        crash_after(run, step)

    live_until(STARTS + 2 * HOUR)

    assert len(sent(event)) == 5
    assert Message.objects.count() == 5
    assert Enrollment.objects.get().status == "completed"
    assert run_one() is None


def test_a_settlement_that_dies_tells_everybody_once(event, after, make_person):
    ada, ben = make_person("ada"), make_person("ben")
    enroll(event, [ada.pk, ben.pk], actor=ALICE)
    with at(ENDS):
        set_attendance(Registration.objects.get(contact=ada), Attendance.ATTENDED, actor=ALICE)
    with clock.travel(to=SETTLED):
        crash_after(event.run, "settle attendance")
        crash_after(Run.objects.get(workflow="funnels.follow"), "wake")

    live_until(SETTLED + HOUR)

    assert sorted(step for step, _, _ in sent(event)) == ["sorry-missed", "thank-you"]
    assert Message.objects.count() == 6


def test_a_cancellation_that_dies_still_ends_everybody(event, before, make_person):
    enroll(event, [make_person("ada").pk, make_person("ben").pk], actor=ALICE)
    live_until(TODAY + HOUR)
    with clock.travel(to=TODAY + HOUR):
        cancel_event(event, actor=ALICE)
        crash_after(Run.objects.get(workflow="funnels.end"), "end")

    live_until(STARTS)

    assert {step for step, _, _ in sent(event)} == {"welcome"}
    assert set(Enrollment.objects.values_list("status", "run__status")) == {("ended", "cancelled")}
