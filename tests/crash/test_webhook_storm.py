"""A storm of webhooks through the real web server, while a campaign runs: exact, and nothing lost."""

from __future__ import annotations

import pytest

from bench import storm
from bench.chaos.postgres import free_port
from bench.theatre import PRODUCTION
from bench.web import web_server
from tests.crash.theatre import Theatre
from tests.fakes.webhooks import SECRET

pytestmark = pytest.mark.crash
TOLD, WEBHOOKS = 60, 240


def test_every_life_stands_as_it_was_told(theatre: Theatre) -> None:
    theatre.environment |= {**PRODUCTION, "RESEND_WEBHOOK_SECRET": SECRET, "WEB_PROCESSES": "1"}
    with theatre.worker(workers=2):
        theatre.manage("send_campaign", theatre.manage("stage_campaign", str(TOLD)).strip())
        theatre.wait_for(lambda: sent(theatre) == TOLD, seconds=180, what="the first is sent")
        others = theatre.manage("stage_list", "2000", "--from", "1000").strip()
        theatre.manage("send_campaign", theatre.manage("stage_campaign", "--list", others).strip())
        with web_server(theatre, port=free_port()) as url:
            weather = storm.gather(storm.mails_of(theatre, limit=TOLD), count=WEBHOOKS)
            storm.post(url, weather.requests)
            storm.wait_until_applied(theatre, seconds=180)

    assert storm.differences(theatre, weather) == []
    assert weather.distinct == WEBHOOKS - WEBHOOKS // storm.REPEATED


def sent(theatre: Theatre) -> int:
    [(count,)] = theatre.rows("SELECT count(*) FROM messaging_message WHERE status = 'sent'")
    return int(count)
