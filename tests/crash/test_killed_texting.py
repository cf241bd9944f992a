"""SMS while workers are killed at random: nobody gets two, and every doubt is resolved or listed."""

from __future__ import annotations

from collections import Counter
from itertools import count

import pytest

from bench.chaos.cast import owner_of_port
from tests.crash.theatre import Theatre, family, kill
from tests.fakes.twilio_server import TwilioServer

pytestmark = pytest.mark.crash

PEOPLE = 200
#: The calls during which the worker is killed.
DEADLY = (10, 11, 60, 120, 160)


def test_200_people_get_at_most_one_sms_each_while_five_workers_are_killed(theatre: Theatre):
    """Some answers are cut after the SMS was taken, some calls before; the sender never sends twice."""
    with TwilioServer() as server:
        server.misbehave(cut_rate=0.03, late_error_rate=0.01, error_rate=0.01, slow_seconds=0.02)
        theatre.environment |= {
            "TWILIO_ACCOUNT_SID": server.account.sid,
            "TWILIO_AUTH_TOKEN": server.account.token,
            "TWILIO_API_URL": server.url,
            "TWILIO_PHONE_NUMBER": "+15005550006",
            "PUBLIC_URL": "https://longhaul.test",
            "DOUBT_SECONDS": "3",
        }
        text_under_fire(theatre, server)
        taken = list(server.taken)

    assert Counter(Counter(sms.to for sms in taken).values()) == {1: len(taken)}
    ours = {
        address: (status, provider_id)
        for address, status, provider_id in theatre.rows(
            "SELECT address, status, provider_id FROM messaging_message"
        )
    }
    # Whatever Twilio has counts as sent under its id; whatever it has not is listed, and nothing is lost.
    assert {sms.to: ("sent", sms.sid) for sms in taken} == {
        address: said for address, said in ours.items() if said[0] == "sent"
    }
    left = {address for address, said in ours.items() if said[0] != "sent"}
    assert {ours[address][0] for address in left} <= {"in_doubt"}
    assert len(taken) + len(left) == PEOPLE == len(ours)
    [(parked,)] = theatre.rows("SELECT count(*) FROM messaging_sendbatch WHERE status = 'parked'")
    assert parked == len(left)


def text_under_fire(theatre: Theatre, server: TwilioServer) -> None:
    """Send the campaign; at some calls the worker dies after its SMS was taken and before it hears so."""
    campaign = theatre.manage("stage_campaign", str(PEOPLE), "--provider", "twilio").strip()
    with theatre.worker(workers=4) as supervisor:
        numbers = count(1)

        def strike(port: int) -> None:
            if next(numbers) in DEADLY:
                kill(owner_of_port(port, family(supervisor.pid)))

        server.before_answer = strike
        theatre.manage("send_campaign", campaign)
        theatre.wait_for(
            lambda: theatre.rows("SELECT status FROM campaigns_campaign") == [("sent",)],
            seconds=120,
            what="the campaign is sent",
        )
        assert next(numbers) > max(DEADLY)
