"""Whoever saved a search is told of each change that concerns them, once, when they want to read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from core import clock
from core.errors import Conflict, Refused
from core.models import AuditEntry
from jobs.models import Run
from jobs.testing import crash_after, run_until_idle
from messaging.actions.consent import suppress_address
from messaging.actions.erasing import erase_contact
from messaging.actions.templates import save_version
from messaging.channels import Channel
from messaging.dossier import export_contact
from messaging.models import Contact, Message, SandboxMessage, Sender, SuppressionReason, Template
from messaging.streams import pause_stream
from tenders import actions
from tenders.actions.telling import ALERT, request_alerts
from tenders.alerts import digests, matching
from tenders.alerts.links import page_url, token_for
from tenders.alerts.periods import next_moment
from tenders.alerts.wording import in_words
from tenders.finding import Criteria
from tenders.models import (
    AlertDigest,
    AlertMatch,
    SavedSearch,
    Tender,
    TenderEvent,
    TenderSource,
)
from tests.tenders.asked import ALICE, DAY, HOUR, ask, publish, subjects, tell
from tests.tenders.conftest import MONDAY
from tests.tenders.test_saving import save

pytestmark = pytest.mark.usefixtures("sender", "monday")


@pytest.fixture
def sender(db: None) -> Sender:
    return Sender.objects.create(name="Tenders", from_email="tenders@example.com", lanes=1)


@pytest.fixture
def monday(db: None):  # type: ignore[no-untyped-def]
    with clock.travel(to=MONDAY):
        yield


# --- what is told ------------------------------------------------------------------------------------


def test_each_kind_of_change_is_told_once(source_row: TenderSource):
    ask()
    story: list[dict[str, Any]] = [
        {},
        {"tenderPeriod": {"endDate": "2026-03-27T12:00:00Z"}},
        {"documents": [{"id": "1"}, {"id": "2"}]},
        {"description": "Of steel"},
        {"status": "cancelled"},
    ]
    said_so_far: dict[str, Any] = {}
    for day, tender in enumerate(story):
        said_so_far |= tender
        publish(source_row, day=day, **said_so_far)
        tell(MONDAY + HOUR * (day + 1))

    tell(MONDAY + DAY)  # and no more after that

    texts = list(SandboxMessage.objects.order_by("pk").values_list("text", flat=True))
    said = [
        "New",
        "Deadline moved from 20 March 2026, 12:00 to 27 March 2026, 12:00",
        "Documents: 1, now 2",
        "Amended: description",
        "Cancelled",
    ]
    assert [[line for line in said if line in text] for text in texts] == [[w] for w in said]
    assert list(TenderEvent.objects.order_by("pk").values_list("kind", flat=True)) == [
        "new",
        "deadline",
        "documents",
        "amended",
        "cancelled",
    ]
    assert AlertMatch.objects.exclude(digest=None).count() == AlertDigest.objects.count() == 5


def test_an_award_names_who_got_it(source_row: TenderSource):
    ask()
    publish(source_row)
    tell(MONDAY + HOUR)
    award = {"id": "1", "status": "active", "suppliers": [{"id": "s", "name": "Bridge & Sons"}]}
    release = {"ocid": "bridge", "id": "award", "date": "2026-03-05T00:00:00Z", "awards": [award]}
    save(source_row, [release])

    tell(MONDAY + 2 * HOUR)

    letter = SandboxMessage.objects.latest("pk")
    assert "Awarded to Bridge & Sons" in letter.text
    assert "Bridge &amp; Sons" in letter.html


def test_a_change_that_somebody_did_not_ask_for_is_not_told(source_row: TenderSource):
    ask(kinds=["deadline"])
    publish(source_row)
    tell(MONDAY + HOUR)
    publish(source_row, "tunnel")
    tell(MONDAY + 2 * HOUR)

    assert subjects() == []
    assert not Message.objects.exists()  # nothing is written where nothing was found
    assert not AlertDigest.objects.exists()

    publish(source_row, day=1, tenderPeriod={"endDate": "2026-03-27T12:00:00Z"})
    tell(MONDAY + 3 * HOUR)
    assert subjects() == ["Bridges: A bridge"]


def test_whoever_heard_of_a_tender_hears_how_it_ends(source_row: TenderSource):
    ask(criteria=Criteria(all="bridge", is_open=True))
    ask("bob@example.com", criteria=Criteria(phases=["planning"]), name="Plans")
    publish(source_row)
    tell(MONDAY + HOUR)

    publish(source_row, day=1, status="cancelled")  # no open tender any more
    tell(MONDAY + 2 * HOUR)

    assert subjects() == ["Bridges: A bridge"] * 2
    assert subjects("bob@example.com") == []


def test_what_a_backfill_brings_is_no_news(source_row: TenderSource):
    ask()
    release = {"ocid": "bridge", "id": "1", "date": "2026-01-01T00:00:00Z"}
    save(source_row, [{**release, "tender": {"title": "Old bridge"}}], is_news=False)

    assert tell(MONDAY + HOUR).output == {"changes": 0, "closing": 0, "messages": 0}
    assert subjects() == []


def test_nothing_that_happened_before_a_search_was_saved_is_told(source_row: TenderSource):
    publish(source_row)
    tell(MONDAY + HOUR)
    ask()
    tell(MONDAY + 2 * HOUR)

    assert subjects() == []
    assert actions.preview(Criteria(all="bridge")).count == 1


def test_what_is_known_later_is_matched_later_and_told_once(source_row: TenderSource):
    ask(name="Bridges")
    ask("cleo@example.com", name="Building", criteria=Criteria(categories=["Building"]))
    publish(source_row)
    tell(MONDAY + HOUR)
    with clock.travel(to=MONDAY + 2 * HOUR):
        ask("dora@example.com", name="Late", criteria=Criteria(categories=["Building"]))
        Tender.objects.update(detailed_category="Building")
        assert matching.look_again(Tender.objects.values_list("pk", flat=True)) == 1

    tell(MONDAY + 3 * HOUR)

    assert subjects() == ["Bridges: A bridge"]
    assert subjects("cleo@example.com") == ["Building: A bridge"]
    assert subjects("dora@example.com") == []  # it had happened before she asked


def test_a_tender_that_comes_to_close_soon_is_told_though_nothing_changed(source_row: TenderSource):
    ask(criteria=Criteria(all="bridge", closing_within_days=7))
    publish(source_row)  # closes on the 20th
    publish(source_row, "bridge-2", tenderPeriod={"endDate": "2026-03-04T12:00:00Z"})
    publish(source_row, "bridge-3", tenderPeriod={"endDate": "2026-06-04T12:00:00Z"})
    for day in range(16):
        tell(MONDAY + DAY * day)

    assert subjects() == ["Bridges: A bridge-2", "Bridges: A bridge"]
    assert "Closes soon" in SandboxMessage.objects.latest("pk").text
    closing = AlertMatch.objects.get(is_closing=True)
    assert closing.at == datetime(2026, 3, 13, 12, tzinfo=UTC)


def test_a_change_that_commits_late_is_told_late(source_row: TenderSource):
    """Its key is smaller than those that were matched before: no watermark passes it by."""
    ask()
    publish(source_row)
    early = TenderEvent.objects.get()
    publish(source_row, "bridge-2")
    TenderEvent.objects.filter(pk=early.pk).update(is_due=False)  # as if nobody saw it yet
    tell(MONDAY + HOUR)
    TenderEvent.objects.filter(pk=early.pk).update(is_due=True)  # its transaction commits

    tell(MONDAY + 2 * HOUR)

    assert subjects() == ["Bridges: A bridge-2", "Bridges: A bridge"]


# --- when it is told -----------------------------------------------------------------------------------


def test_a_daily_search_writes_one_letter_at_its_hour(source_row: TenderSource):
    search = ask(frequency="daily", hour=7, time_zone="Africa/Johannesburg")
    assert search.next_at == datetime(2026, 3, 3, 5, tzinfo=UTC)
    publish(source_row)
    publish(source_row, "bridge-2")
    publish(source_row, day=1, status="cancelled")
    tell(search.next_at - timedelta(seconds=1))
    assert subjects() == []

    tell(search.next_at)
    tell(search.next_at + HOUR)
    tell(search.next_at + DAY)

    assert subjects() == ["Bridges: 2 new tenders"]
    digest = AlertDigest.objects.get()
    assert (digest.period, digest.change_count, digest.tender_count) == (
        "daily-20260303T0500Z",
        3,
        2,
    )
    assert digest.message.key == f"{search.public_id}/daily-20260303T0500Z"
    search.refresh_from_db()
    assert search.next_at == datetime(2026, 3, 5, 5, tzinfo=UTC)


def test_what_was_missed_while_nothing_ran_comes_in_one_letter(source_row: TenderSource):
    search = ask(frequency="weekly", weekday=3, hour=9)
    assert search.next_at == datetime(2026, 3, 4, 9, tzinfo=UTC)
    publish(source_row)

    tell(datetime(2026, 3, 20, 15, tzinfo=UTC))

    assert subjects() == ["Bridges: A bridge"]
    search.refresh_from_db()
    assert search.next_at == datetime(2026, 3, 25, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "zone", "hour", "slot"),
    [
        ("2026-03-28T23:00Z", "Europe/Berlin", 7, "2026-03-29T05:00Z"),  # the first of summer time
        ("2026-03-28T05:59Z", "Europe/Berlin", 7, "2026-03-28T06:00Z"),
        ("2026-03-28T06:00Z", "Europe/Berlin", 7, "2026-03-29T05:00Z"),  # strictly behind
        ("2026-03-29T00:30Z", "Europe/Berlin", 2, "2026-03-29T01:00Z"),  # 02:00 is skipped: 03:00
        ("2026-10-24T23:30Z", "Europe/Berlin", 2, "2026-10-25T00:00Z"),  # 02:00 comes twice
        ("2026-10-25T00:00Z", "Europe/Berlin", 2, "2026-10-26T01:00Z"),  # and means its first
        ("2026-03-02T12:00Z", "Asia/Kathmandu", 7, "2026-03-03T01:15Z"),
        ("2011-12-29T12:00Z", "Pacific/Apia", 7, "2011-12-29T17:00Z"),
        ("2011-12-29T18:00Z", "Pacific/Apia", 7, "2011-12-30T17:00Z"),  # the 30th did not exist
    ],
)
def test_a_slot_is_local_time(after: str, zone: str, hour: int, slot: str):
    found = next_moment(
        datetime.fromisoformat(after),
        frequency="daily",
        hour=hour,
        weekday=1,
        zone=ZoneInfo(zone),
    )

    assert found == datetime.fromisoformat(slot)


def test_there_is_one_slot_on_each_day_of_a_year():
    zone, at = ZoneInfo("America/New_York"), datetime(2026, 1, 1, tzinfo=UTC)
    slots = []
    while at.year == 2026:
        found = next_moment(at, frequency="daily", hour=2, weekday=1, zone=zone)
        assert found is not None
        slots.append(found.astimezone(zone))
        at = found

    days = [slot.date() for slot in slots]
    assert len(days) == len(set(days)) == 365 + 1  # and the first of the next year
    assert [slot.hour for slot in slots if slot.hour != 2] == [3]  # 8 March


# --- each once, though workers die -----------------------------------------------------------------


@pytest.mark.parametrize("step", ["match", "look ahead", "write"])
def test_a_worker_that_dies_neither_doubles_nor_loses_a_mention(
    source_row: TenderSource, step: str
):
    ask()
    ask("bob@example.com")
    publish(source_row)
    publish(source_row, "bridge-2")
    request_alerts(actor=ALICE)

    crash_after(Run.objects.get(workflow=ALERT), step)
    run_until_idle(advance=True)

    assert subjects() == subjects("bob@example.com") == ["Bridges: 2 new tenders"]
    assert AlertMatch.objects.exclude(digest=None).count() == 4


def test_what_is_written_stands_or_falls_as_a_whole(
    source_row: TenderSource, monkeypatch: pytest.MonkeyPatch
):
    ask(frequency="daily")
    publish(source_row)
    matching.match_chunk()
    search = SavedSearch.objects.get()

    def broken(_search: SavedSearch) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch, clock.travel(to=search.next_at):
        patch.setattr(digests, "_move_on", broken)
        with pytest.raises(OSError, match="full"):
            digests.write_chunk()
        assert not Message.objects.exists()
        assert not AlertMatch.objects.exclude(digest=None).exists()

    with clock.travel(to=search.next_at):
        assert digests.write_chunk() == {"looked": 1, "written": 1}
        assert digests.write_chunk() == {"looked": 0, "written": 0}


def test_a_search_that_cannot_be_understood_holds_up_no_other(source_row: TenderSource):
    broken = ask("bob@example.com")
    SavedSearch.objects.filter(pk=broken.pk).update(criteria={"cpv": ["x"]})
    ask()
    publish(source_row)

    tell(MONDAY + HOUR)

    assert subjects() == ["Bridges: A bridge"]
    broken.refresh_from_db()
    assert (broken.status, broken.problem[:20]) == ("paused", "'x' is no CPV code. ")
    assert AuditEntry.objects.filter(verb="saved_search.set_aside").count() == 1


# --- its owner's will ----------------------------------------------------------------------------------


def test_one_click_ends_a_search_and_no_other(source_row: TenderSource):
    search = ask()
    other = ask(name="Everything", criteria=Criteria())
    publish(source_row)
    tell(MONDAY + HOUR)
    letter = SandboxMessage.objects.get(subject="Bridges: A bridge")
    assert letter.headers == {
        "List-Unsubscribe": f"<{page_url(search)}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert f'href="{page_url(search)}"' in letter.html
    place = page_url(search).removeprefix("http://127.0.0.1:8000")

    assert Client().get(place).status_code == 200  # a scanner's look changes nothing
    search.refresh_from_db()
    assert search.status == "active"
    once = Client(enforce_csrf_checks=True).post(place, {"List-Unsubscribe": "One-Click"})
    again = Client().post(place, {"List-Unsubscribe": "One-Click"})

    assert (once.status_code, again.status_code) == (200, 200)
    assert "writes to you no more" in once.content.decode()
    search.refresh_from_db()
    other.refresh_from_db()
    assert (search.status, other.status) == ("ended", "active")
    assert AuditEntry.objects.filter(verb="saved_search.ended").count() == 1
    publish(source_row, "bridge-2")
    tell(MONDAY + 2 * HOUR)
    assert sorted(subjects()) == [
        "Bridges: A bridge",
        "Everything: A bridge",
        "Everything: A bridge-2",
    ]


def test_what_waits_is_taken_back_when_its_search_ends(source_row: TenderSource, sender: Sender):
    search = ask()
    publish(source_row)
    matching.match_chunk()
    digests.write_chunk()
    stream = Message.objects.get().stream
    pause_stream(stream)

    assert actions.end_search(search, actor="recipient")

    assert Message.objects.values_list("status", "reason").get() == ("skipped", "cancelled")
    assert not actions.end_search(search, actor="recipient")
    with pytest.raises(Conflict, match="Its owner wants no more of it"):
        actions.resume_search(search, actor=ALICE)
    assert actions.begin_again(search, actor="recipient")
    search.refresh_from_db()
    assert search.status == "active"


def test_what_a_search_had_found_when_it_ended_is_never_told(source_row: TenderSource):
    search = ask(frequency="daily")
    publish(source_row)
    tell(MONDAY + HOUR)
    with clock.travel(to=MONDAY + 2 * HOUR):
        actions.end_search(search, actor="recipient")
        actions.begin_again(search, actor="recipient")

    tell(MONDAY + 2 * DAY)

    assert subjects() == []


def test_a_page_shows_what_was_told_and_a_forged_link_nothing(source_row: TenderSource):
    search = ask()
    publish(source_row, title="<script>alert('bridge')</script>")
    tell(MONDAY + HOUR)

    page = Client().get(f"/tenders/alerts/{token_for(search)}").content.decode()

    assert "&lt;script&gt;alert(&#x27;bridge&#x27;)&lt;/script&gt;" in page
    assert "<script>" not in page
    assert "ada@example.com" not in page
    assert Client().get(f"/tenders/alerts/{token_for(search)}x").status_code == 404


def test_a_paused_search_rests_and_is_not_told_later(source_row: TenderSource):
    search = ask()
    actions.pause_search(search, actor=ALICE)
    publish(source_row)
    tell(MONDAY + HOUR)
    actions.resume_search(search, actor=ALICE)
    tell(MONDAY + 2 * HOUR)

    assert subjects() == []
    with pytest.raises(Conflict):
        actions.resume_search(search, actor=ALICE)


def test_an_address_that_bounced_gets_no_alert(source_row: TenderSource):
    search = ask()
    suppress_address(
        Channel.EMAIL,
        search.contact.email_hash,
        reason=SuppressionReason.BOUNCED,
        actor=ALICE,
    )
    publish(source_row)
    tell(MONDAY + HOUR)

    assert subjects() == []
    assert Message.objects.values_list("status", "reason").get() == ("skipped", "suppressed")


def test_a_letter_names_fifty_tenders_and_its_page_all(source_row: TenderSource):
    search = ask()
    for number in range(60):
        publish(source_row, f"bridge-{number}")
    tell(MONDAY + HOUR)

    letter = SandboxMessage.objects.get()
    page = Client().get(f"/tenders/alerts/{token_for(search)}").content.decode()
    assert letter.html.count("https://notices.example/") == 50
    assert "See 10 more" in letter.text
    assert page.count("https://notices.example/") == 60
    assert len(letter.html) < 102_000


def test_staff_may_rewrite_the_template(source_row: TenderSource):
    ask()
    mine = Template.objects.get(name="tender-alert")
    save_version(mine, subject="Yours: {{ data.headline }}", html="<p>Hi</p>", actor=ALICE)
    publish(source_row)
    tell(MONDAY + HOUR)

    assert subjects() == ["Yours: A bridge"]


# --- what cannot be ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"name": " "}, "name"),
        ({"criteria": Criteria(cpv=["x"])}, "cpv"),
        ({"kinds": ["deadlines"]}, "kinds"),
        ({"frequency": "hourly"}, "frequency"),
        ({"hour": 24}, "hour"),
        ({"weekday": 0}, "weekday"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"to": "nobody"}, "to"),
    ],
)
def test_a_search_that_cannot_be_is_refused(parts: dict[str, Any], field: str):
    with pytest.raises(Refused) as refusal:
        ask(**{"to": "ada@example.com", **parts})

    assert refusal.value.field == field
    assert not SavedSearch.objects.exists()
    assert not Contact.objects.exists()


def test_without_a_sender_it_is_refused(sender: Sender):
    sender.delete()
    with pytest.raises(Refused, match="No sender for"):
        ask()


def test_a_change_of_the_rhythm_moves_the_next_letter(source_row: TenderSource):
    search = ask(frequency="daily", hour=7)

    actions.update_search(search, actor=ALICE, frequency="weekly", weekday=5, hour=18)
    search.refresh_from_db()
    assert search.next_at == datetime(2026, 3, 6, 18, tzinfo=UTC)
    actions.update_search(search, actor=ALICE, frequency="instant")
    search.refresh_from_db()
    assert search.next_at is None
    with pytest.raises(Refused, match="no 'status'"):
        actions.update_search(search, actor=ALICE, status="ended")


def test_criteria_are_told_in_words():
    wish = Criteria(
        all="bridge", exact="over the river", cpv=["45"], least_value=Decimal(5000), currency="zar"
    )
    assert in_words(wish) == "all of: bridge; “over the river”; CPV: 45; at least 5,000 ZAR"
    assert in_words(Criteria()) == "every tender"


def test_what_is_known_of_a_person_is_told_and_forgotten(source_row: TenderSource):
    search = ask()
    publish(source_row)
    tell(MONDAY + HOUR)

    [told] = export_contact(search.contact, actor=ALICE)["tender_searches"]
    erase_contact(search.contact, actor=ALICE)

    assert (told["name"], told["criteria"], len(told["told"])) == ("Bridges", {"all": "bridge"}, 1)
    assert not SavedSearch.objects.exists()
    assert not AlertMatch.objects.exists()
