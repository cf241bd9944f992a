"""Asking a model while workers are killed: nothing is paid twice, no cap is passed, never more than three at once."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.crash import racers
from tests.crash.theatre import Theatre, is_postgres
from tests.fakes.openai_server import OpenAiServer
from tests.stage.deaths import POINTS

pytestmark = pytest.mark.crash

CAP = 2_000_000
CLIENTS, OF_ONE = 24, 6


@pytest.fixture
def model(theatre: Theatre):
    with OpenAiServer() as server:
        theatre.environment |= {
            "OPENAI_API_KEY": server.account.api_key,
            "OPENAI_BASE_URL": server.base_url,
            "OPENAI_MODEL": "gpt-test",
            "DOUBT_SECONDS": "4",
        }
        yield server


def runs(theatre: Theatre) -> Counter[str]:
    sql = "SELECT status FROM jobs_run WHERE workflow = 'enrichment.enhance_client'"
    return Counter(status for (status,) in theatre.rows(sql))


def calls(theatre: Theatre) -> Counter[str]:
    rows = theatre.rows("SELECT status FROM enrichment_aicall")
    return Counter(status for (status,) in rows)


def test_a_kill_at_every_boundary_pays_nothing_twice(theatre: Theatre, model: OpenAiServer) -> None:
    """Only where the worker died between the mark and the call can nobody know: that one waits for a person."""
    theatre.environment |= {"STAGE_DEATHS": "1"}
    theatre.manage("stage_clients", *(f"dies {point}" for point in POINTS))

    expected = {"received": len(POINTS) - 1, "parked": 1}
    with theatre.worker(workers=3):
        theatre.wait_for(lambda: calls(theatre) == expected, seconds=120, what=str(expected))
        theatre.wait_for(
            lambda: runs(theatre) == {"completed": len(POINTS) - 1, "waiting": 1},
            seconds=60,
            what="all are over but the one in doubt",
        )

    marks = {each.suffix for each in theatre.folder.iterdir()}
    assert marks >= {f".{point.replace(' ', '-')}" for point in POINTS}  # each of them did die
    paid = Counter(entry.data["name"] for entry in model.paid)
    assert paid == Counter({f"dies {point}": 1 for point in POINTS if point != "before the call"})
    told = theatre.rows(
        "SELECT c.name, a.status FROM enrichment_aicall a"
        " JOIN enrichment_client c ON c.id = a.client_id"
    )
    statuses = {f"dies {point}": "received" for point in POINTS} | {
        "dies before the call": "parked"
    }
    assert sorted(told) == sorted(statuses.items())
    [(changes, fields)] = theatre.rows(
        "SELECT count(*), count(DISTINCT client_id) FROM enrichment_fieldchange"
    )
    assert (changes, fields) == (3 * (len(POINTS) - 1), len(POINTS) - 1)
    assert theatre.rows("SELECT count(*) FROM enrichment_competitor") == [(len(POINTS) - 1,)]
    spent = theatre.rows("SELECT sum(cost_micros) FROM enrichment_aicall WHERE status = 'received'")
    assert spent == [(sum(e.input_tokens + 4 * e.output_tokens for e in model.paid),)]


def test_a_cap_holds_to_the_cent_with_eight_at_once(theatre: Theatre) -> None:
    code = (
        "from enrichment.actions.money import set_budget\n"
        f"set_budget('day', cap_micros={CAP}, actor='command:stage')\n"
        f"set_budget('month', cap_micros={CAP} * 9, actor='command:stage')\n"
        "set_budget('run', cap_micros=150_000, actor='command:stage')"
    )
    theatre.manage("shell", "-v", "0", "-c", code)

    told = racers.race(*[racers.spend] * 8, rounds=30, environment=theatre.environment)

    spent = sum(sum(each) for each in told)
    uses = theatre.rows(
        "SELECT b.scope, u.period, u.spent_micros, u.reserved_micros FROM enrichment_budgetuse u"
        " JOIN enrichment_budget b ON b.id = u.budget_id"
    )
    by_scope = {scope: (taken, held) for scope, _, taken, held in uses if scope != "run"}
    assert by_scope == {"day": (spent, 0), "month": (spent, 0)}
    assert CAP - 70_000 < spent <= CAP  # used up as well as kept
    per_round = [sum(each) for each in zip(*told, strict=True)]
    of_runs = {period: taken for scope, period, taken, held in uses if scope == "run" and not held}
    assert of_runs == {
        f"run_{n}": taken for n, taken in enumerate(per_round) if f"run_{n}" in of_runs
    }
    assert max(per_round) <= 150_000


def test_two_who_ask_about_many_at_the_same_moment_pay_once(theatre: Theatre) -> None:
    code = (
        "from enrichment.actions.clients import create_client\n"
        "for n in range(60): create_client(name=f'Round {n // 6} {n}', actor='command:stage')"
    )
    theatre.manage("shell", "-v", "0", "-c", code)

    told = racers.race(*[racers.ask_about_many] * 3, rounds=10, environment=theatre.environment)

    assert [sum(each) for each in zip(*told, strict=True)] == [6] * 10


def test_never_more_than_three_are_asked_at_once_and_no_client_twice(
    theatre: Theatre, model: OpenAiServer
) -> None:
    """One client whose questions came first does not keep the others waiting."""
    model.misbehave(slow_seconds=0.5)  # long enough to meet even on a busy machine
    theatre.manage("stage_clients", "--greedy", str(OF_ONE), "--count", str(CLIENTS))
    expected = {"completed": CLIENTS + OF_ONE}

    with theatre.worker(workers=6 if is_postgres() else 4):
        theatre.wait_for(lambda: runs(theatre) == expected, seconds=120, what=f"{CLIENTS} asked")

    assert (model.account.most_in_flight, model.account.most_of_one) == (3, 1)
    places = [n for n, entry in enumerate(model.paid) if entry.data["name"] == "Greedy"]
    assert places[-1] - places[0] + 1 - OF_ONE >= OF_ONE  # others came between
    assert Counter(entry.data["name"] for entry in model.paid) == Counter(
        {f"Client {n}": 1 for n in range(CLIENTS)} | {"Greedy": OF_ONE}
    )
