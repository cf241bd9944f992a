"""What releases lack is looked up or classified afterwards; a failure costs no tender, and has its turn again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from core import clock
from core.errors import Refused
from enrichment.actions.money import set_price
from enrichment.models import AiCall
from jobs.events.sending import send_event
from jobs.models import Run
from jobs.testing import run_until_idle
from tenders import actions
from tenders.enriching import choosing
from tenders.enriching.matching import Wanted, best_match
from tenders.models import Tender, TenderEnrichment, TenderSource
from tests.fakes.fixtures import openai_server
from tests.fakes.notices import za_release
from tests.fakes.openai_server import OpenAiServer
from tests.fakes.tender_portal import TenderPortal
from tests.fakes.tender_sources import TenderServer, fails, limits_by
from tests.tenders.conftest import MONDAY
from tests.tenders.test_saving import save

__all__ = ["openai_server"]
Sync = Callable[..., Run]


@pytest.fixture
def portal(settings: Settings) -> Iterator[TenderPortal]:
    settings.TENDER_PRIVATE_HOSTS = ["127.0.0.1"]
    with TenderPortal() as server:
        yield server


@pytest.fixture
def source(
    portal: TenderPortal,
    served: Callable[..., TenderServer],
    source_at: Callable[..., TenderSource],
) -> TenderSource:
    """South Africa, with five notices, of which the portal knows three."""
    server = served("za_etenders")
    for number in range(170_000, 170_005):
        server.board.put(MONDAY, za_release(number, MONDAY))
    for number in (170_000, 170_001, 170_003):
        row = {"category": "Services: Medical", "province": "Gauteng", "email": "a@example.org"}
        portal.put(f"SCM/{number}/2026", **row, supportDocument=DOCUMENTS)
    return source_at(
        server,
        "za_etenders",
        enricher="south_africa_portal",
        portal_url=portal.table_url,
        portal_interval_seconds=0.02,
    )


DOCUMENTS = [{"supportDocumentID": "1e4a", "fileName": "Bid.pdf", "extension": ".pdf"}]


def standing() -> list[tuple[str, str, int]]:
    rows = Tender.objects.order_by("ocid")
    return list(rows.values_list("enrichment", "detailed_category", "enrich_attempts"))


DONE, LOST = ("done", "Services: Medical", 1), ("not_found", "", 1)


def test_a_sync_enriches_what_it_brought(source: TenderSource, portal: TenderPortal, synced: Sync):
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        run = synced(source)

    assert run.output is not None
    assert run.output["enriched"] == {"done": 3, "not_found": 2}
    assert standing() == [DONE, DONE, LOST, DONE, LOST]
    kept = TenderEnrichment.objects.get(tender__ocid="ocds-9t57fa-170000")
    assert (kept.matched_by, kept.score) == ("number", 100.0)
    assert kept.data["documents"] == [
        {
            "title": "Bid.pdf",
            "url": "https://www.etenders.gov.za/home/Download/?blobName=1e4a.pdf&downloadedFileName=Bid.pdf",
        }
    ]
    assert " services medical " in Tender.objects.get(ocid="ocds-9t57fa-170000").words
    assert len(portal.asked) == 3 + 2 * 2  # what is absent is looked for among the closed ones too
    times = [at for at, _, _ in portal.asked]
    assert times[-1] - times[0] >= 6 * 0.02 * 0.9  # one limiter for all that look up at once


def test_a_failure_loses_no_tender_and_has_its_turn_again_later_and_later(
    source: TenderSource, portal: TenderPortal, synced: Sync
):
    portal.next_faults = [fails(500)] * 5
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)
        assert standing() == [("failed", "", 1)] * 5
        assert synced(source).output["enriched"] == {}  # type: ignore[index]

    with clock.travel(to=MONDAY + timedelta(hours=2, minutes=1)):
        assert synced(source).output["enriched"] == {"done": 3, "not_found": 2}  # type: ignore[index]

    assert [attempts for *_, attempts in standing()] == [2] * 5
    turn = Tender.objects.get(ocid="ocds-9t57fa-170002").enrich_at
    assert turn is not None
    assert timedelta(hours=6) <= turn - (MONDAY + timedelta(hours=2)) < timedelta(hours=7)


def test_a_portal_that_asks_to_wait_is_waited_for(
    source: TenderSource, portal: TenderPortal, synced: Sync
):
    portal.next_faults = [limits_by(429, seconds=1)]

    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)

    assert standing() == [DONE, DONE, LOST, DONE, LOST]
    times = [at for at, _, _ in portal.asked]
    assert times[1] - times[0] >= 0.95


def test_a_portal_that_is_down_holds_up_no_sync(
    source: TenderSource, portal: TenderPortal, synced: Sync
):
    portal.next_faults = [limits_by(503, seconds=700)]
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        run = synced(source, advance=False)

        assert run.output is not None
        assert (run.output["outcome"], run.output["enriched"]) == ("SUCCESS", {"failed": 5})
        assert standing() == [("failed", "", 1)] * 5
        assert len(portal.asked) == 1  # and no other asked a host that wants to be left alone
        assert Tender.objects.first().enrich_at == MONDAY + timedelta(hours=2)  # type: ignore[union-attr]


def test_a_sync_enriches_for_a_while_and_leaves_the_rest_to_the_next(source: TenderSource):
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        until = choosing.patience()
        save(source, [za_release(170_000, MONDAY)])
    for minutes, count in ((19, 1), (20, 0)):
        with clock.travel(to=MONDAY + timedelta(hours=1, minutes=minutes)):
            assert len(choosing.due(source, most=50, until=until)) == count


def test_at_most_so_many_are_enriched_in_one_sync(source: TenderSource, portal: TenderPortal):
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        actions.request_sync(source, actor="staff:alice", max_enrichment=2)
        run_until_idle(advance=True)

    assert sum(attempts for *_, attempts in standing()) == 2
    assert [status for status, *_ in standing()].count("pending") == 3


def test_a_change_of_the_notice_keeps_what_was_looked_up(source: TenderSource, synced: Sync):
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        synced(source)
        save(source, [za_release(170_000, MONDAY, closes_in=40)])

    tender = Tender.objects.get(ocid="ocds-9t57fa-170000")
    assert (tender.enrichment, tender.detailed_category) == ("done", "Services: Medical")
    assert " services medical " in tender.words


# --- asked for -------------------------------------------------------------------------------------


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("enrich_tenders", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def unenriched(source: TenderSource, synced: Sync) -> TenderSource:
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        actions.request_sync(source, actor="staff:alice", max_enrichment=0)
        run_until_idle(advance=True)
    return source


def test_today_is_enriched_by_command_and_event(unenriched: TenderSource):
    with clock.travel(to=MONDAY + timedelta(days=1)):
        command("--source", "za_etenders", "--today")
        run_until_idle(advance=True)
        assert {status for status, *_ in standing()} == {"pending"}  # they are of yesterday
    with clock.travel(to=MONDAY + timedelta(hours=2)):
        send_event("tender/enrich-today.requested", {"source": "za_etenders"})
        run_until_idle(advance=True)

    assert standing() == [DONE, DONE, LOST, DONE, LOST]


def test_a_range_is_enriched_newest_first(unenriched: TenderSource, portal: TenderPortal):
    for place, tender in enumerate(Tender.objects.order_by("ocid")):
        Tender.objects.filter(pk=tender.pk).update(published_at=MONDAY + timedelta(hours=place))
    with clock.travel(to=MONDAY + timedelta(days=1)):
        send_event(
            "tender/enrich-backfill.requested",
            {"fromDate": "2026-03-02", "toDate": "2026-03-02", "maxEnrichment": 3},
        )
        run_until_idle(advance=True)

    run = Run.objects.get(workflow="tenders.enrich_range")
    assert (run.status, run.output) == ("completed", {"not_found": 2, "done": 1})
    assert {number for _, number, _ in portal.asked} == {
        f"SCM/{number}/2026" for number in (170_004, 170_003, 170_002)
    }


def test_single_ones_are_enriched_again_only_by_force(
    unenriched: TenderSource, portal: TenderPortal
):
    send_event("tender/enrich.requested", {"ocids": ["ocds-9t57fa-170000", "ocds-9t57fa-170002"]})
    run_until_idle(advance=True)
    assert [s for s, *_ in standing()] == ["done", "pending", "not_found", "pending", "pending"]
    before = len(portal.asked)

    command("--ocid", "ocds-9t57fa-170000")
    run_until_idle(advance=True)
    assert len(portal.asked) == before
    command("--ocid", "ocds-9t57fa-170000", "--force")
    run_until_idle(advance=True)
    assert len(portal.asked) == before + 1
    with pytest.raises(CommandError, match="There is no tender 'x'"):
        command("--ocid", "x")


def test_a_source_without_an_enricher_says_so(source_row: TenderSource):
    with pytest.raises(Refused, match="Nothing enriches the tenders of UK Find a Tender"):
        actions.request_enrichment_of(
            source_row, start=MONDAY, end=MONDAY + timedelta(days=1), actor="staff:alice"
        )


def test_programs_ask_for_enrichment(
    unenriched: TenderSource, api: Callable[..., Any], portal: TenderPortal
):
    client = api("tenders:enrich")
    with clock.travel(to=MONDAY + timedelta(hours=2)):
        one = client.post("/api/v1/tenders/ocds-9t57fa-170000/enrich", {"force": True})
        days = client.post("/api/v1/tender-sources/za_etenders/enrich", {})
        again = client.post("/api/v1/tender-sources/za_etenders/enrich", {})
        run_until_idle(advance=True)

    assert (one.status_code, days.status_code, again.status_code) == (202, 202, 409)
    assert standing() == [DONE, DONE, LOST, DONE, LOST]
    stranger = api("tenders:read").post("/api/v1/tenders/ocds-9t57fa-170000/enrich", {})
    assert stranger.status_code == 403


# --- by AI -----------------------------------------------------------------------------------------


def test_a_source_without_a_portal_is_classified_by_a_model_and_pays_once(
    source_row: TenderSource, openai_server: OpenAiServer, settings: Settings
):
    set_price(
        settings.OPENAI_MODEL,
        valid_from=date(2020, 1, 1),
        input_price=Decimal(1),
        cached_price=Decimal(1),
        output_price=Decimal(4),
        actor="staff:alice",
    )
    found = {"division": "33", "confidence": 0.9, "reason": "Laboratory."}
    openai_server.account.answer = lambda _: found
    TenderSource.objects.filter(pk=source_row.pk).update(enricher="ai")
    source_row.refresh_from_db()
    save(source_row, [za_release(1, MONDAY)])

    for _ in range(2):
        actions.request_enrichment(list(Tender.objects.all()), actor="staff:alice")
        run_until_idle(advance=True)

    [(status, category, attempts)] = standing()
    assert (status, attempts) == ("done", 1)
    assert category == "Medical equipments, pharmaceuticals and personal care products"
    call = AiCall.objects.get()
    assert (call.purpose, call.subject) == ("tenders.classify", Tender.objects.get().public_id)
    assert TenderEnrichment.objects.get().call == call.public_id


@pytest.fixture
def classified(
    source_row: TenderSource, openai_server: OpenAiServer, settings: Settings
) -> TenderSource:
    """A source whose two tenders a model is asked about."""
    set_price(
        settings.OPENAI_MODEL,
        valid_from=date(2020, 1, 1),
        input_price=Decimal(1),
        cached_price=Decimal(1),
        output_price=Decimal(4),
        actor="staff:alice",
    )
    TenderSource.objects.filter(pk=source_row.pk).update(enricher="ai")
    source_row.refresh_from_db()
    save(source_row, [za_release(1, MONDAY), za_release(2, MONDAY)])
    return source_row


def test_an_answer_that_was_of_no_help_is_not_paid_for_again(
    classified: TenderSource, openai_server: OpenAiServer
):
    unsure = {"division": "33", "confidence": 0.2, "reason": "Who knows."}
    openai_server.account.answer = lambda _: unsure
    tenders = Tender.objects.filter(ocid="ocds-9t57fa-1")

    def ask(*, force: bool = False) -> int:
        actions.request_enrichment(list(tenders), actor="staff:alice", force=force)
        run_until_idle()
        assert tenders.get().enrichment == "not_found"
        return AiCall.objects.count()

    assert [ask(), ask(), ask(force=True)] == [1, 1, 2]
    tenders.update(title="Of other words")
    assert ask() == 3


def test_nobody_waits_for_an_account_that_is_out_of_money(
    classified: TenderSource, openai_server: OpenAiServer
):
    with clock.travel(to=MONDAY + timedelta(hours=1)):
        openai_server.misbehave(script=[[429, "insufficient_quota"]])
        run = actions.request_enrichment(list(Tender.objects.all()), actor="staff:alice")
        run_until_idle()
        run.refresh_from_db()
        assert sorted(s for s, *_ in standing()) == ["failed", "pending"]  # the first one waits
        problem = TenderEnrichment.objects.get().problem
        assert problem == "The account of openai is paused."

    with clock.travel(to=MONDAY + timedelta(hours=2, seconds=1)):
        run_until_idle()
        run.refresh_from_db()
        assert (run.status, run.output) == ("completed", {"failed": 2})
        assert standing() == [("failed", "", 1)] * 2
        lost = TenderEnrichment.objects.latest("pk")
        assert "The run was not over by its deadline." in lost.problem
        assert lost.tender.enrich_at == MONDAY + timedelta(hours=3, seconds=1)


# --- the match -------------------------------------------------------------------------------------

ROWS: list[dict[str, Any]] = [
    {
        "tender_No": "RFQ 12/2026",
        "description": "Cleaning of offices",
        "organ_of_State": "City of Cape Town",
    },
    {"tender_No": "1234", "description": "Supply of road signs", "organ_of_State": "SANRAL"},
    {"tender_No": "", "description": "Nothing", "organ_of_State": ""},
]


@pytest.mark.parametrize(
    ("number", "title", "buyer", "how"),
    [
        ("RFQ 12/2026", "", "", "number"),
        ("rfq-12-2026", "", "", "normalised number"),
        ("RFQ12", "Cleaning of offices", "Cape Town", "score"),
        ("RFQ99", "Cleaning of vehicles", "Johannesburg", None),
        ("123", "Supply of road signs", "", "score"),
        ("123", "Supply of signs", "", None),
        ("", "", "", None),
    ],
)
def test_a_row_is_matched_only_when_it_is_surely_the_one(
    number: str, title: str, buyer: str, how: str | None
):
    match = best_match(ROWS, Wanted(number, title, buyer))

    assert (match.how if match else None) == how
