"""A campaign whose workers are killed at random: nobody is left out, and nobody gets two messages."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.crash.theatre import Theatre, family, is_postgres, kill
from tests.fakes.resend_server import ResendServer

pytestmark = pytest.mark.crash

KILLS = 10


def test_36_000_people_get_one_message_each_while_ten_workers_are_killed(theatre: Theatre):
    """On PostgreSQL the whole number; SQLite, with its one writer, at a tenth."""
    people = 36_000 if is_postgres() else 3_600
    with ResendServer() as server:
        server.misbehave(cut_rate=0.05)
        theatre.environment |= {
            "RESEND_API_KEY": server.account.api_key,
            "RESEND_API_URL": server.url,
        }
        send_under_fire(theatre, people, provider="resend")
        accepted = list(server.accepted)

    assert Counter(Counter(mail.message for mail in accepted).values()) == {1: people}
    assert len({mail.to for mail in accepted}) == people
    ours = theatre.rows("SELECT address, provider_id FROM messaging_message WHERE status = 'sent'")
    assert sorted(ours) == sorted((mail.to, mail.id) for mail in accepted)


def test_2_000_people_get_one_message_each_from_the_sandbox_while_workers_are_killed(
    theatre: Theatre,
):
    send_under_fire(theatre, 2_000, provider="sandbox")

    [(mails, people)] = theatre.rows(
        "SELECT count(*), count(DISTINCT recipient) FROM messaging_sandboxmessage"
    )
    assert (mails, people) == (2_000, 2_000)
    assert theatre.rows("SELECT status, count(*) FROM messaging_message GROUP BY status") == [
        ("sent", 2_000)
    ]


def send_under_fire(theatre: Theatre, people: int, *, provider: str) -> None:
    """Send a campaign and kill a random worker each time another share of it is done."""
    chance = random.Random(7)
    campaign = theatre.manage("stage_campaign", str(people), "--provider", provider).strip()
    with theatre.worker(workers=4) as supervisor:
        theatre.manage("send_campaign", campaign)
        for number in range(1, KILLS + 1):
            due = people * number // (KILLS + 1)
            theatre.wait_for(lambda due=due: sent(theatre) >= due, seconds=120, what=f"{due} sent")
            kill(chance.choice(pool(supervisor.pid)))
        theatre.wait_for(
            lambda: theatre.rows("SELECT status FROM campaigns_campaign") == [("sent",)],
            seconds=180,
            what="the campaign is sent",
        )


def sent(theatre: Theatre) -> int:
    [(count,)] = theatre.rows("SELECT count(*) FROM messaging_message WHERE status = 'sent'")
    return int(count)


def pool(supervisor: int) -> list[int]:
    """The pool's processes, as the engine knows them; they serve when they have driven a run."""
    _cluster, _sentinel, *rest = family(supervisor)
    return rest[:4]
