"""Zoom: registered with the meeting, heard at the door, counted as having attended."""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client

from core import clock
from funnels.actions import enroll, launch_funnel, set_attendance, update_event, withdraw
from funnels.models import Enrollment, Event, Presence, Registration, ZoomNotice
from funnels.standard import AFTER
from funnels.states import Attendance
from funnels.zoom import client, hearing
from jobs.models import Run
from jobs.testing import crash_after
from messaging.models import Message, SandboxMessage
from tests.fakes.zoom_server import ACCOUNT, CLIENT, ZoomServer
from tests.fakes.zoom_server import SECRET as CLIENT_SECRET
from tests.funnels.conftest import ALICE, DAY, ENDS, HOUR, SETTLED, STARTS
from tests.funnels.telling import at, live_until, sent
from tests.funnels.zoom import MEETING, PLACE, SECRET, post, told

MINUTE = timedelta(minutes=1)


@pytest.fixture
def zoom(settings) -> Iterator[ZoomServer]:
    client._token.clear()
    with ZoomServer() as server:
        settings.ZOOM_ACCOUNT_ID, settings.ZOOM_CLIENT_ID = ACCOUNT, CLIENT
        settings.ZOOM_CLIENT_SECRET = CLIENT_SECRET
        settings.ZOOM_API_URL, settings.ZOOM_AUTH_URL = f"{server.url}/v2", server.url
        yield server
    client._token.clear()


@pytest.fixture
def meeting(event: Event) -> Event:
    """The event, held as a meeting."""
    return update_event(event, zoom_meeting_id=MEETING, actor=ALICE)


@pytest.fixture
def door(settings) -> None:
    settings.ZOOM_WEBHOOK_SECRET = [SECRET]


def mine() -> Registration:
    return Registration.objects.get()


# --- registering with the meeting --------------------------------------------------------------------------------


def test_who_enrolls_gets_a_link_of_their_own(zoom, meeting, before, ada):
    enroll(meeting, [ada.pk], actor=ALICE)
    live_until(STARTS)

    assert (mine().zoom_registrant_id, zoom.calls) == ("reg-1", 1)
    letters = SandboxMessage.objects.exclude(html="")
    assert letters.count() == 3
    assert all(f"https://zoom.us/w/{MEETING}?tk=1" in letter.html for letter in letters)


@pytest.mark.parametrize("step", ["register with Zoom", "keep the link", "write what is known"])
def test_a_run_that_dies_after_any_step_registers_and_writes_once(zoom, meeting, before, ada, step):
    enroll(meeting, [ada.pk], actor=ALICE)
    crash_after(Enrollment.objects.get().run, step)

    live_until(STARTS + HOUR)

    assert (mine().zoom_registrant_id, zoom.calls) == ("reg-1", 1)
    assert len(sent(meeting)) == Message.objects.count() == 5
    assert all("tk=1" in letter.html for letter in SandboxMessage.objects.exclude(html=""))


@pytest.mark.parametrize("is_followed", [True, False])
def test_who_enrolls_is_registered_though_nothing_is_sent_before_the_event(
    zoom, meeting, funnels, ada, is_followed
):
    if is_followed:
        launch_funnel(funnels[AFTER], meeting, actor=ALICE)
    enroll(meeting, [ada.pk], actor=ALICE)
    enroll(meeting, [ada.pk], actor=ALICE)

    live_until(clock.now() + HOUR)

    assert (mine().zoom_registrant_id, zoom.calls) == ("reg-1", 1)


def test_without_an_account_nobody_is_registered_with_anything(event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    update_event(event, zoom_meeting_id=MEETING, actor=ALICE)
    live_until(clock.now() + HOUR)

    assert Run.objects.filter(workflow="funnels.join_meeting").count() == 0
    assert (mine().zoom_registrant_id, mine().zoom_problem) == ("", "")


def test_another_meeting_gives_everybody_another_link(zoom, meeting, before, make_person):
    zoom.meetings = (MEETING, "899999999")
    ada, ben = make_person("ada"), make_person("ben")
    enroll(meeting, [ada.pk, ben.pk], actor=ALICE)
    with at(STARTS - 3 * DAY):
        withdraw(Registration.objects.get(contact=ben), actor=ALICE)
        update_event(meeting, zoom_meeting_id="899999999", actor=ALICE)
    live_until(STARTS)

    letters = SandboxMessage.objects.exclude(html="").filter(recipient=ada.email).order_by("pk")
    assert [MEETING in letter.html for letter in letters] == [True, False, False]
    assert ["w/899999999?tk=3" in letter.html for letter in letters] == [False, True, True]
    gone = Registration.objects.get(contact=ben)
    assert (gone.zoom_registrant_id, gone.join_url) == ("", "")


def test_an_event_that_loses_its_meeting_tells_its_own_link(zoom, meeting, before, ada):
    enroll(meeting, [ada.pk], actor=ALICE)
    with at(STARTS - 3 * DAY):
        update_event(meeting, zoom_meeting_id="", actor=ALICE)
    live_until(STARTS)

    letters = SandboxMessage.objects.exclude(html="").order_by("pk")
    assert ["tk=1" in letter.html for letter in letters] == [True, False, False]
    assert all("https://example.com/join" in letter.html for letter in letters[1:])


def test_a_limit_of_the_day_is_noted_and_nobodys_welcome_waits_for_it(zoom, meeting, before, ada):
    zoom.script, zoom.retry_after = [429] * 4, "2027-03-02T00:00:00Z"
    enroll(meeting, [ada.pk], actor=ALICE)

    live_until(clock.now() + HOUR)

    assert mine().zoom_problem == "Zoom asks us to wait until 2027-03-02T00:00:00Z."
    assert [step for step, _, _ in sent(meeting)] == ["welcome"]


def test_a_token_that_is_none_is_noted_and_nobodys_welcome_waits_for_it(zoom, meeting, before, ada):
    zoom.gives_tokens = False
    enroll(meeting, [ada.pk], actor=ALICE)

    live_until(clock.now() + HOUR)

    assert mine().zoom_problem == "Zoom's answer has no 'access_token'."
    assert [step for step, _, _ in sent(meeting)] == ["welcome"]


@pytest.mark.parametrize("trouble", [[500, 503], ["cut"], [429]])
def test_trouble_that_passes_is_waited_for_and_nobody_is_registered_twice(
    zoom, meeting, before, ada, trouble
):
    zoom.script = [*trouble]
    enroll(meeting, [ada.pk], actor=ALICE)

    live_until(clock.now() + HOUR)

    assert mine().zoom_registrant_id == "reg-1"
    assert len(zoom.registrants) == 1
    assert [step for step, _, _ in sent(meeting)] == ["welcome"]


def test_an_old_token_is_replaced(zoom, meeting, before, make_person):
    enroll(meeting, [make_person("ada").pk], actor=ALICE)
    live_until(clock.now() + MINUTE)
    zoom.end_tokens()

    enroll(meeting, [make_person("ben").pk], actor=ALICE)
    live_until(clock.now() + MINUTE)

    assert len(zoom.registrants) == 2


def test_a_meeting_that_zoom_does_not_know_is_noted_and_people_get_the_events_link(
    zoom, event, before, ada
):
    update_event(event, zoom_meeting_id="999999999", actor=ALICE)
    enroll(event, [ada.pk], actor=ALICE)
    live_until(STARTS)

    assert mine().zoom_problem == "Zoom answered 404: Meeting does not exist: 999999999."
    assert "https://example.com/join" in SandboxMessage.objects.exclude(html="").first().html
    assert len(sent(event)) == 5


def test_an_event_that_gets_its_meeting_later_registers_everybody(zoom, event, before, ada):
    enroll(event, [ada.pk], actor=ALICE)
    live_until(STARTS - 3 * DAY)
    with at(STARTS - 2 * DAY):
        update_event(event, zoom_meeting_id=MEETING, actor=ALICE)
    live_until(STARTS)

    assert mine().zoom_registrant_id == "reg-1"
    letters = SandboxMessage.objects.exclude(html="").order_by("pk")
    assert ["tk=1" in letter.html for letter in letters] == [False, True, True]


# --- the door ------------------------------------------------------------------------------------------------------


def test_the_challenge_is_answered(door):
    body = {"event": "endpoint.url_validation", "payload": {"plainToken": "qgg8vlvZRS6UYooatFL8Aw"}}

    answer = post(body)

    expected = hmac.new(SECRET.encode(), b"qgg8vlvZRS6UYooatFL8Aw", hashlib.sha256).hexdigest()
    assert answer.status_code == 200
    assert answer.json() == {"plainToken": "qgg8vlvZRS6UYooatFL8Aw", "encryptedToken": expected}
    assert ZoomNotice.objects.count() == 0


def test_a_signed_notice_is_kept_as_it_came_once(door):
    body = told("meeting.participant_joined", clock.now(), email="ada@example.com")

    answers = [post(body).status_code for _ in range(3)]

    kept = ZoomNotice.objects.get()
    assert answers == [204, 204, 204]
    assert (kept.kind, json.loads(kept.body)) == ("meeting.participant_joined", body)
    assert Run.objects.filter(workflow="funnels.hear_zoom").count() == 1


@pytest.mark.parametrize(
    ("body", "how", "status"),
    [
        (b'{"event": "meeting.ended"}', {"secret": "another"}, 401),
        (b'{"event": "meeting.ended"}', {"secret": ""}, 401),
        (b"not json", {}, 400),
        (b"[1]", {}, 400),
        (b'{"payload": {}}', {}, 400),
        (b'{"event": "\xff"}', {}, 400),
        (b'{"event": "x y"}', {}, 400),
    ],
)
def test_what_is_not_zooms_is_refused_and_not_kept(door, body, how, status):
    assert post(body, **how).status_code == status
    assert (ZoomNotice.objects.count(), Run.objects.count()) == (0, 0)


def test_a_recording_played_again_later_is_refused(door):
    body = told("meeting.ended", clock.now())

    assert post(body, at=clock.now() - timedelta(minutes=6)).status_code == 400
    assert ZoomNotice.objects.count() == 0


def test_without_a_secret_the_door_is_closed(settings):
    settings.ZOOM_WEBHOOK_SECRET = []

    assert post(told("meeting.ended", clock.now())).status_code == 503


def test_while_the_secret_is_changed_both_are_taken(settings):
    settings.ZOOM_WEBHOOK_SECRET = ["new", SECRET]

    assert post(told("meeting.ended", clock.now())).status_code == 204


@pytest.mark.parametrize("secret", ["new", SECRET])
def test_meanwhile_a_challenge_is_answered_by_the_secret_that_asks(settings, secret):
    settings.ZOOM_WEBHOOK_SECRET = ["new", SECRET]
    body = {"event": "endpoint.url_validation", "payload": {"plainToken": "abc"}}

    expected = hmac.new(secret.encode(), b"abc", hashlib.sha256).hexdigest()
    assert post(body, secret=secret).json()["encryptedToken"] == expected


def test_an_unsigned_notice_is_refused(door):
    answer = Client().post(PLACE, {"event": "meeting.ended"}, content_type="application/json")

    assert (answer.status_code, answer.content) == (401, b"The signature is not ours.\n")
    assert ZoomNotice.objects.count() == 0


def test_a_notice_that_nobody_can_make_sense_of_keeps_none_from_being_heard(
    door, meeting, after, ada
):
    enroll(meeting, [ada.pk], actor=ALICE)
    odd = told("meeting.participant_joined", STARTS, email="a\ud800\0@example.com", user="\ud800")
    odd["payload"]["object"]["participant"]["join_time"] = "0001-01-01T00:00:00Z"
    with at(ENDS):
        assert post(json.dumps(odd).encode()).status_code == 204
        tell("participant_joined", 5, email=ada.email)

    assert ZoomNotice.objects.filter(applied_at=None).count() == 0
    assert mine().attended_seconds == 55 * 60


def test_what_zoom_told_is_forgotten_in_time_and_what_it_amounts_to_is_not(
    door, meeting, after, ada
):
    enroll(meeting, [ada.pk], actor=ALICE)
    with at(ENDS):
        tell("participant_joined", 0, email=ada.email)
        tell("participant_joined", 0, email="stranger@example.com")
    with clock.travel(to=ENDS + 89 * DAY):
        kept = hearing.forget_old(), ZoomNotice.objects.count()
    with clock.travel(to=ENDS + 91 * DAY):
        gone = hearing.forget_old(), ZoomNotice.objects.count()

    assert (kept, gone) == ((0, 2), (2, 0))
    assert mine().presences.count() == 1


# --- who came --------------------------------------------------------------------------------------------------------


def tell(kind: str, minute: float, **who: str) -> None:
    """Post that somebody joined or left at a minute of the event."""
    assert post(told(f"meeting.{kind}", STARTS + minute * MINUTE, **who)).status_code == 204


def test_who_was_there_long_enough_attended(door, meeting, after, make_person):
    ada, ben = make_person("ada"), make_person("ben")
    enroll(meeting, [ada.pk, ben.pk], actor=ALICE)
    Registration.objects.filter(contact=ada).update(zoom_registrant_id="reg-1")
    with at(ENDS):
        tell("participant_joined", -15, registrant="reg-1", user="1")
        tell("participant_left", 4, registrant="reg-1", user="1")
        tell("participant_joined", 20, registrant="reg-1", user="2")
        tell("participant_left", 26, registrant="reg-1", user="2")
        tell("participant_joined", 30, email="Ben@example.com", user="3")
        tell("participant_left", 39, email="ben@example.com", user="3")

    live_until(SETTLED + HOUR)

    seconds = dict(Registration.objects.values_list("contact__first_name", "attended_seconds"))
    assert seconds == {"Ada": 600, "Ben": 540}
    assert [step for step, _, _ in sent(meeting, ada)] == ["thank-you"]
    assert [step for step, _, _ in sent(meeting, ben)] == ["sorry-missed"]


def test_a_storm_in_any_order_with_repetitions_counts_the_same(door, meeting, after, make_person):
    chance = random.Random(7)
    people = [make_person(f"guest{number}") for number in range(12)]
    enroll(meeting, [each.pk for each in people], actor=ALICE)
    storm = []
    for number, person in enumerate(people):
        for entry in range(3):
            who = {"email": person.email, "user": f"{number}-{entry}"}
            storm.append(("participant_joined", -10 + 32 * entry, who))
            storm.append(("participant_left", -10 + 32 * entry + number, who))
    storm += chance.choices(storm, k=40)
    chance.shuffle(storm)
    with at(ENDS + 5 * MINUTE):
        for kind, minute, who in storm:
            tell(kind, minute, **who)
        tell("ended", 62)

    live_until(SETTLED + 10 * MINUTE)

    minutes = {
        each.contact.first_name: each.attended_seconds // 60
        for each in Registration.objects.select_related("contact")
    }
    expected = {
        f"Guest{n}": max(0, n - 10) + n + min(n, 8)
        for n in range(
            12
        )  # the first entry lies before the start, the last goes on after the meeting
    }
    assert minutes == expected
    assert ZoomNotice.objects.count() == 12 * 6 + 1
    assert Presence.objects.count() == 12 * 6
    assert Registration.objects.filter(attendance="attended").count() == 7


def test_an_overlong_meeting_settles_later(door, meeting, after, ada):
    enroll(meeting, [ada.pk], actor=ALICE)
    with at(ENDS + 30 * MINUTE):
        tell("participant_joined", 5, email=ada.email)
        tell("ended", 90)

    live_until(SETTLED + HOUR)

    assert sent(meeting) == [("thank-you", "email", SETTLED + 30 * MINUTE)]


def test_a_join_told_after_the_settlement_thanks_nobody_who_was_missed(
    door, meeting, after, make_person
):
    ada, ben = make_person("ada"), make_person("ben")
    enroll(meeting, [ada.pk, ben.pk], actor=ALICE)
    with at(ENDS):
        tell("participant_joined", 0, email=ben.email)
    with at(SETTLED + 2 * HOUR):
        tell("participant_joined", 0, email=ada.email)
        tell("participant_left", 50, email=ada.email)

    live_until(SETTLED + 10 * DAY)

    late = Registration.objects.get(contact=ada)
    assert sent(meeting, ada)[0][0] == "sorry-missed"
    assert (late.attendance, late.attended_seconds) == ("no_show", 3_000)
    assert late.attendance_note.startswith("Came after all")
    assert "thank-you" not in {step for step, _, _ in sent(meeting, ada)}


def test_what_a_person_said_stands_against_zoom(door, meeting, after, ada):
    enroll(meeting, [ada.pk], actor=ALICE)
    with at(ENDS):
        tell("participant_joined", 0, email=ada.email)
        set_attendance(mine(), Attendance.NO_SHOW, actor=ALICE)

    live_until(SETTLED + HOUR)

    assert [step for step, _, _ in sent(meeting)] == ["sorry-missed"]


def test_strangers_and_unknown_meetings_are_noted(door, meeting, after, ada):
    enroll(meeting, [ada.pk], actor=ALICE)
    with at(ENDS):
        tell("participant_joined", 1, email="stranger@example.com")
        tell("participant_joined", 2, email=ada.email, meeting="700000000")
        tell("sharing_started", 3)

    assert list(ZoomNotice.objects.order_by("pk").values_list("note", flat=True)) == [
        "nobody who is registered",
        "no event of ours at that time",
        "a kind that we do not know",
    ]
    assert Presence.objects.count() == 0
