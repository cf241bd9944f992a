"""One person's way: the right message before and after, each at its moment, once."""

from __future__ import annotations

from datetime import timedelta

from funnels.actions import enroll, set_attendance
from funnels.models import Enrollment, Registration
from funnels.states import Attendance
from messaging.lanes import GATHER_SECONDS
from tests.funnels.conftest import ALICE, DAY, ENDS, HOUR, SETTLED, STARTS, TODAY
from tests.funnels.telling import at, live_until, sent, told


def test_a_person_is_welcomed_at_once_and_reminded_a_day_and_an_hour_before(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)

    live_until(STARTS + HOUR)

    assert sent(event) == [
        ("welcome", "email", TODAY),
        ("reminder-24h", "email", STARTS - DAY),
        ("reminder-24h", "sms", STARTS - DAY),
        ("reminder-1h", "email", STARTS - HOUR),
        ("reminder-1h", "sms", STARTS - HOUR),
    ]
    enrollment = Enrollment.objects.get()
    assert (enrollment.status, enrollment.run.status) == ("completed", "completed")


def test_who_came_is_thanked_and_who_did_not_was_missed(event, after, make_person):
    came, missed = make_person("ada"), make_person("ben")
    enroll(event, [came.pk, missed.pk], actor=ALICE)
    with at(ENDS):
        set_attendance(Registration.objects.get(contact=came), Attendance.ATTENDED, actor=ALICE)

    live_until(SETTLED + 10 * DAY)

    assert sent(event, came) == [
        ("thank-you", "email", SETTLED),
        ("resources", "email", SETTLED + DAY),
        ("nurture", "email", SETTLED + 3 * DAY),
    ]
    assert sent(event, missed) == [
        ("sorry-missed", "email", SETTLED),
        ("reengagement", "email", SETTLED + 2 * DAY),
        ("final-followup", "email", SETTLED + 7 * DAY),
    ]
    assert set(Enrollment.objects.values_list("status", flat=True)) == {"completed"}


def test_who_enrolls_two_hours_before_gets_no_reminder_of_the_day_before(event, before, ada):
    with at(STARTS - 2 * HOUR):
        enroll(event, [ada.pk], actor=ALICE)

    live_until(STARTS + HOUR)

    assert told(event) == [
        ("welcome", "email", "sent", STARTS - 2 * HOUR),
        ("reminder-1h", "email", "sent", STARTS - HOUR),
        ("reminder-1h", "sms", "sent", STARTS - HOUR),
    ]


def test_enrolling_again_changes_nothing(event, before, ada):
    first = enroll(event, [ada.pk], actor=ALICE)
    second = enroll(event, [ada.pk], actor=ALICE)
    live_until(STARTS)

    assert (first.new, second.new) == (1, 0)
    assert Registration.objects.count() == Enrollment.objects.count() == 1
    assert len(sent(event)) == 5


def test_reminders_sent_tells_type_moment_channel_and_message(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    live_until(STARTS - DAY + timedelta(minutes=1))

    reminders = Registration.objects.get().reminders_sent

    assert [(each["type"], each["channel"], each["sent_at"]) for each in reminders] == [
        ("welcome", "email", TODAY + timedelta(seconds=GATHER_SECONDS)),
        ("reminder-24h", "email", STARTS - DAY),
        ("reminder-24h", "sms", STARTS - DAY),
    ]
    assert all(each["message_id"].startswith("msg_") for each in reminders)
