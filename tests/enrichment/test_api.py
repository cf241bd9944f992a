"""Clients and calls over HTTP: who may, what is answered, and that nothing happened where it was refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from enrichment.actions.enhancing import enhance_client
from enrichment.models import AiCall, Budget, Client, Competitor
from jobs.models import Run
from jobs.testing import run_until_idle
from tests.enrichment.conftest import ALICE

pytestmark = pytest.mark.django_db
SCOPES = (
    "clients:read",
    "clients:write",
    "clients:delete",
    "clients:enhance",
    "ai:read",
    "ai:decide",
)
#: endpoint -> (method, body, the scope it asks for, the status it answers with, who may with a log-in)
ENDPOINTS = {
    "clients": ("get", None, "clients:read", 200, "alice oscar bob"),
    "clients ": ("post", {"name": "New"}, "clients:write", 201, "alice oscar"),
    "clients/{client}": ("get", None, "clients:read", 200, "alice oscar bob"),
    "clients/{client} ": ("patch", {"name": "New"}, "clients:write", 200, "alice oscar"),
    "clients/{client}  ": ("delete", None, "clients:delete", 204, "alice"),
    "clients/{client}/enhance": ("post", {}, "clients:enhance", 202, "alice oscar"),
    "clients/enhance": ("post", {"clients": ["{client}"]}, "clients:enhance", 202, "alice oscar"),
    "clients/estimate": ("post", {"clients": ["{client}"]}, "clients:read", 200, "alice oscar bob"),
    "clients/{client}/proposals": ("get", None, "clients:read", 200, "alice oscar bob"),
    "clients/{client}/proposals ": ("post", {}, "clients:write", 200, "alice oscar"),
    "clients/{client}/competitors": ("get", None, "clients:read", 200, "alice oscar bob"),
    "clients/{client}/competitors ": (
        "post",
        {"name": "Rival", "domain": "rival.co.za"},
        "clients:write",
        201,
        "alice oscar",
    ),
    "ai-calls": ("get", None, "ai:read", 200, "alice oscar bob"),
    "ai-costs": ("get", None, "ai:read", 200, "alice oscar bob"),
}


def called(caller, client, endpoint):
    method, body, *_ = ENDPOINTS[endpoint]
    place = f"/api/v1/{endpoint.strip().format(client=client.public_id)}"
    if body and "clients" in body:
        body = {"clients": [client.public_id]}
    return getattr(caller, method)(place, body, format="json")


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_endpoint_asks_for_its_scope(endpoint, api, acme):
    _, _, scope, status, _ = ENDPOINTS[endpoint]
    before = (Client.objects.count(), Run.objects.count(), Competitor.objects.count())

    assert called(api(), acme, endpoint).status_code == 401
    assert called(api(*set(SCOPES) - {scope}), acme, endpoint).status_code == 403
    assert (Client.objects.count(), Run.objects.count(), Competitor.objects.count()) == before
    acme.refresh_from_db()
    assert acme.name == "Acme"
    assert called(api(scope), acme, endpoint).status_code == status


@pytest.mark.parametrize("name", ["alice", "oscar", "bob", "charlie"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_each_endpoint_asks_staff_for_the_permission(endpoint, name, api, acme, request):
    _, _, _, status, allowed = ENDPOINTS[endpoint]
    caller = api()
    caller.force_login(request.getfixturevalue(name))

    answer = called(caller, acme, endpoint)

    assert answer.status_code == (status if name in allowed.split() else 403)


def test_a_client_is_created_with_its_domain_in_one_form(api):
    answer = api("clients:write").post(
        "/api/v1/clients", {"name": "  Acme  Ltd ", "domain": "https://www.ACME.co.uk/about"}
    )

    assert (answer.status_code, answer.json()["name"]) == (201, "Acme Ltd")
    assert answer.json()["domain"] == "acme.co.uk"
    assert answer["Location"] == f"/api/v1/clients/{answer.json()['id']}"


@pytest.mark.parametrize(
    "domain", ["nonsense", "localhost", "10.0.0.1", "co.uk", "a b.com", "http://"]
)
def test_a_domain_that_is_none_is_refused(domain, api):
    answer = api("clients:write").post("/api/v1/clients", {"name": "Acme", "domain": domain})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_domain")
    assert Client.objects.count() == 0


def test_a_domain_that_another_has_is_a_conflict(api, acme):
    answer = api("clients:write").post("/api/v1/clients", {"name": "B", "domain": "acme.co.za"})

    assert (answer.status_code, answer.json()["code"]) == (409, "domain_taken")
    assert Client.objects.count() == 1


def test_fields_that_are_set_are_locked_and_can_be_unlocked(api, acme):
    caller, place = api("clients:write"), f"/api/v1/clients/{acme.public_id}"

    answer = caller.patch(place, {"fields_set": {"use_cases": ["a", "A", "b", "c", "d"]}})
    [known] = answer.json()["known"]
    assert (known["value"], known["source"], known["is_locked"]) == (["a", "b", "c"], "human", True)

    answer = caller.patch(place, {"fields_unlocked": ["use_cases"]})
    assert answer.json()["known"][0]["is_locked"] is False


def test_an_unknown_field_is_refused_and_nothing_is_changed(api, acme):
    answer = api("clients:write").patch(
        f"/api/v1/clients/{acme.public_id}",
        {"name": "Other", "fields_set": {"industry_primary": "Mining", "is_admin": "yes"}},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_field")
    acme.refresh_from_db()
    assert (acme.name, acme.values.count()) == ("Acme", 0)


def test_a_second_question_about_a_client_under_way_is_a_conflict(api, acme):
    caller, place = api("clients:enhance"), f"/api/v1/clients/{acme.public_id}/enhance"

    assert caller.post(place, {}).status_code == 202
    second = caller.post(place, {})

    assert (second.status_code, second.json()["code"]) == (409, "under_way")
    assert Run.objects.filter(workflow="enrichment.enhance_client").count() == 1


def test_a_model_without_a_price_is_refused_before_anything_starts(api, acme, openai_server):
    answer = api("clients:enhance").post(f"/api/v1/clients/{acme.public_id}/enhance", {})

    assert (answer.status_code, answer.json()["code"]) == (422, "no_price")
    assert "Model prices" in answer.json()["remedy"]
    assert (Run.objects.count(), openai_server.account.calls) == (0, 0)


def test_many_are_asked_within_one_cap(api, model, client_named):
    many = [client_named(f"Client {n}").public_id for n in range(3)]

    answer = api("clients:enhance").post(
        "/api/v1/clients/enhance", {"clients": many, "at_most": "0.50"}
    )
    run_until_idle(advance=True)

    run = Run.from_public_id(answer.json()["run"])
    assert (run.status, run.output) == ("completed", {"asked": 3, "failed": 0})
    budget = Budget.objects.get()
    assert (budget.scope, budget.subject, budget.cap_micros) == ("run", run.public_id, 500_000)
    [use] = budget.uses.all()
    spent = sum(AiCall.objects.values_list("cost_micros", flat=True))
    assert (use.spent_micros, use.reserved_micros) == (spent, 0)


def test_a_negative_cap_is_refused(api, acme):
    answer = api("clients:enhance").post(
        "/api/v1/clients/enhance", {"clients": [acme.public_id], "at_most": "-1"}
    )

    assert answer.status_code == 400
    assert (Budget.objects.count(), Run.objects.count()) == (0, 0)


def test_the_ledger_shows_request_answer_and_cost(api, model, acme):
    enhance_client(acme, actor=ALICE)
    run_until_idle(advance=True)
    call = AiCall.objects.get()
    caller = api("ai:read")

    [listed] = caller.get("/api/v1/ai-calls?purpose=clients.enhance").json()["results"]
    read = caller.get(f"/api/v1/ai-calls/{call.public_id}").json()
    [day] = caller.get("/api/v1/ai-costs").json()

    assert Decimal(listed["cost"]) == Decimal(call.cost_micros) / 1_000_000
    assert read["request"]["model"] == "gpt-test"
    assert read["response"]["id"] == call.provider_id
    assert (day["purpose"], day["calls"], day["cost"]) == ("clients.enhance", 1, listed["cost"])
    assert caller.get("/api/v1/ai-calls?purpose=other").json()["results"] == []
    for day in ("yesterday", "0001-01-01", "9999-12-31"):
        assert caller.get(f"/api/v1/ai-costs?since={day}").status_code == 422
        assert caller.get(f"/api/v1/ai-costs?until={day}").status_code == 422


def test_a_doubt_is_decided_over_http(api, model, acme):
    model.misbehave(script=[["drop"]])
    run = enhance_client(acme, actor=ALICE)
    run_until_idle(advance=True)
    call = AiCall.objects.get()
    place = f"/api/v1/ai-calls/{call.public_id}/decide"

    assert api("ai:read").post(place, {"decision": "ask_again"}).status_code == 403
    assert api("ai:decide").post(place, {"decision": "guess"}).status_code == 400
    answer = api("ai:decide").post(place, {"decision": "ask_again"})
    assert (answer.status_code, answer.json()["status"]) == (200, "abandoned")
    assert api("ai:decide").post(place, {"decision": "give_up"}).status_code == 409

    run_until_idle(advance=True)
    run.refresh_from_db()
    assert run.status == "completed"


def test_a_decision_that_is_sent_twice_is_taken_once(api, model, acme):
    model.misbehave(script=[["drop"]])
    enhance_client(acme, actor=ALICE)
    run_until_idle(advance=True)
    caller, place = api("ai:decide"), f"/api/v1/ai-calls/{AiCall.objects.get().public_id}/decide"

    answers = [
        caller.post(place, {"decision": decision}, headers={"Idempotency-Key": decision})
        for decision in ("look_again", "ask_again", "ask_again")
    ]
    run_until_idle(advance=True)

    assert [(each.status_code, each.json()["status"]) for each in answers] == [
        (200, "parked"),
        (200, "abandoned"),
        (200, "abandoned"),
    ]
    assert AiCall.objects.count() == 2


def test_proposals_are_decided_over_http(api, model, client_named):
    client = client_named("Acme", mode="review")
    enhance_client(client, actor=ALICE)
    run_until_idle(advance=True)
    place = f"/api/v1/clients/{client.public_id}/proposals"
    caller = api("clients:read", "clients:write")
    waiting = {each["field"]: each["id"] for each in caller.get(place).json()["results"]}

    told = caller.post(
        place,
        {
            "accept": [waiting["industry_primary"], waiting["competitor"]],
            "reject": [waiting["business_model"]],
        },
    ).json()

    assert told == {"accepted": 2, "rejected": 1}
    assert [value.field for value in client.values.all()] == ["industry_primary"]
    assert client.competitors.get().domain == "rival.co.za"
