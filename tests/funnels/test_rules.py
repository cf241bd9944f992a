"""What holds whatever happens: moved events, cancelled ones, people who leave, outages, pauses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.errors import Conflict, Refused
from funnels.actions import (
    cancel_event,
    enroll,
    pause_launch,
    resume_launch,
    set_attendance,
    settle_event,
    update_event,
    withdraw,
)
from funnels.models import Enrollment, Event, Registration
from funnels.states import Attendance
from jobs.models import Run
from jobs.testing import crash_after, run_one
from messaging.actions.consent import give_consent, withdraw_consent
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


def test_what_comes_after_moves_with_the_end(event, after, ada):
    enroll(event, [ada.pk], actor=ALICE)
    move(event, DAY)
    with at(ENDS + DAY):
        set_attendance(Registration.objects.get(), Attendance.ATTENDED, actor=ALICE)

    live_until(SETTLED + 2 * DAY)

    assert sent(event)[:1] == [("thank-you", "email", SETTLED + DAY)]


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


def test_a_run_that_dies_at_any_step_writes_everything_once(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    run = Enrollment.objects.get().run
    crash_after(run, "write what is known")

    live_until(STARTS)

    assert len(sent(event)) == 5
    assert Message.objects.count() == 5
    assert run_one() is None
