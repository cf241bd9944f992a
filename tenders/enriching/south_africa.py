"""The look-up in the portal of South Africa's eTenders: the rows of its table that a tender's number finds.

`GET …/Home/PaginatedTenderOpportunities?draw=1&start=0&length=200&search[value]=<number>&status=1`. Statuses are 1
published, 2 awarded, 3 closed, 4 cancelled. `category` becomes the detailed category.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from tenders.asking import AskFailed, Manners, ask_in_turn
from tenders.bodies import BadBody, parse
from tenders.enriching.answers import Answer, failed
from tenders.enriching.matching import Match, Wanted, best_match
from tenders.models import Tender, TenderSource
from tenders.states import EnrichmentStatus, Phase

LENGTH = 200
DOWNLOAD = "https://www.etenders.gov.za/home/Download/?"
STATUSES = {
    Phase.PLANNING: (1, 3),
    Phase.TENDER: (1, 3),
    Phase.AWARDED: (2, 3),
    Phase.CANCELLED: (4, 3),
}
#: What a row says, under our names.
FIELDS = {
    "category": "detailed_category",
    "province": "province",
    "type": "type",
    "delivery": "delivery",
    "conditions": "conditions",
    "closing_Date": "closing_date",
    "date_Published": "date_published",
    "organ_of_State": "organ_of_state",
    "briefingSession": "briefing_session",
    "briefingCompulsory": "briefing_compulsory",
    "compulsory_briefing_session": "compulsory_briefing_session",
    "briefingVenue": "briefing_venue",
    "contactPerson": "contact_person",
    "email": "email",
    "telephone": "telephone",
    "fax": "fax",
}


def look_up(tender: Tender, source: TenderSource) -> Answer:
    """Ask the portal for a tender. Raises MustWait where nobody may ask now; a failure and an absence are answers."""
    if not tender.number:
        return Answer(EnrichmentStatus.NOT_FOUND, problem="It has no number to look for.")
    wanted = Wanted(tender.number, tender.title, tender.buyer)
    try:
        for status in STATUSES[Phase(tender.phase)]:
            match = best_match(list(_rows(source, tender.number, status=status)), wanted)
            if match is not None:
                return _found(match)
    except (AskFailed, BadBody) as problem:
        return failed(str(problem))
    return Answer(EnrichmentStatus.NOT_FOUND, problem="The portal has no row that is surely it.")


def _rows(source: TenderSource, number: str, *, status: int) -> Iterator[dict[str, Any]]:
    query = {
        "draw": "1",
        "start": "0",
        "length": str(LENGTH),
        "search[value]": number,
        "status": str(status),
    }
    manners = Manners(
        interval_seconds=source.portal_interval_seconds,
        limit_statuses=tuple(source.limit_statuses) or (429, 503),
        wait_seconds=source.wait_seconds,
    )
    answer = parse(ask_in_turn(f"{source.portal_url}?{urlencode(query)}", manners)).data
    rows = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(rows, list):
        raise BadBody("The portal's answer holds no rows.")
    yield from (row for row in rows if isinstance(row, dict))


def _found(match: Match) -> Answer:
    row = match.row
    data = {
        ours: row[theirs] for theirs, ours in FIELDS.items() if row.get(theirs) not in (None, "")
    }
    data["documents"] = list(_documents(row.get("supportDocument")))
    return Answer(
        EnrichmentStatus.DONE,
        data=data,
        raw=json.loads(json.dumps(row)),
        matched_by=match.how,
        score=match.score,
    )


def _documents(given: Any) -> Iterator[dict[str, str]]:
    for document in given if isinstance(given, list) else []:
        if isinstance(document, dict) and document.get("supportDocumentID"):
            name = str(document.get("fileName", ""))
            blob = f"{document['supportDocumentID']}{document.get('extension', '')}"
            query = urlencode({"blobName": blob, "downloadedFileName": name})
            yield {"title": name, "url": DOWNLOAD + query}
