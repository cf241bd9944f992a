"""Queries keyword by keyword, and briefs from research to text: each call once, nothing invented where one fails."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core.errors import Refused
from enrichment.actions.clients import create_client
from enrichment.actions.enhancing import enhance_client
from enrichment.actions.writing import create_brief, draft_brief, generate_queries
from enrichment.briefs import BriefCost, cost_of_brief, longest_brief
from enrichment.models import AiCall, Brief, Client, SearchQuery
from enrichment.pricing import in_dollars
from enrichment.profile import Unreadable
from enrichment.states import Intent
from enrichment.writing import read_brief, read_lists, read_outline, read_queries
from jobs.actions import retry_run
from jobs.models import Run
from jobs.testing import history, run_until_idle
from tests.enrichment.conftest import ALICE

pytestmark = pytest.mark.django_db
BRIEF = {
    "title": "Pumps that last",
    "keywords": ["pumps"],
    "purpose": "To be found",
    "audience": "Engineers",
    "platforms": ["chatgpt", "google"],
}


def answer(data):
    """Answer what is asked, by what the data has."""
    if "keyword" in data:
        texts = [
            {"intent": intent, "text": f"{intent} {data['keyword']} {n}"}
            for intent in data["intents"]
            for n in range(data["count"])
        ]
        return {"queries": texts}
    if "outline" in data:
        return {"brief": f"# {data['title']}\n\n{data['outline'][0]['heading']}"}
    if "research" in data:
        return {"sections": [{"heading": "Why", "points": ["Because"]}]}
    return {"questions": [f"on {data['platform']}?"], "what_is_cited": [], "must_contain": ["x"]}


@pytest.fixture
def writer(model):
    model.account.answer = answer
    return model


def driven(run):
    run_until_idle(advance=True)
    run.refresh_from_db()
    return run


# --- queries -----------------------------------------------------------------------------------------------------


def test_queries_are_written_for_each_keyword_and_intent(writer, acme):
    run = driven(generate_queries(acme, keywords=["pumps", " Pumps ", "valves"], actor=ALICE))

    assert (run.status, run.output) == ("completed", {"new": 2 * 3 * 8, "failed": []})
    assert len(writer.paid) == 2
    found = SearchQuery.objects.filter(keyword="valves", intent="local").order_by("text")
    assert [query.text for query in found] == ["local valves 0", "local valves 1", "local valves 2"]
    assert found[0].call == AiCall.objects.get(run__input__keyword="valves")
    assert set(SearchQuery.objects.values_list("intent", flat=True)) == set(Intent.values)


def test_a_keyword_that_fails_is_named_and_nothing_is_invented_for_it(writer, acme):
    def fails_for_valves(data):
        return {"queries": []} if data["keyword"] == "valves" else answer(data)

    writer.account.answer = fails_for_valves
    run = driven(generate_queries(acme, keywords=["pumps", "valves"], actor=ALICE))

    assert (run.status, run.output) == ("completed", {"new": 24, "failed": ["valves"]})
    assert not SearchQuery.objects.filter(keyword="valves").exists()
    [letter] = Run.objects.dead_letters()
    assert letter.input["keyword"] == "valves"


def test_a_keyword_that_could_not_be_asked_is_retried_alone(writer, acme):
    writer.misbehave(script=[[400, "bad_request"]])
    run = driven(generate_queries(acme, keywords=["pumps", "valves"], actor=ALICE))
    [letter] = Run.objects.dead_letters()

    driven(retry_run(letter, actor=ALICE))

    assert len(run.output["failed"]) == 1
    assert (SearchQuery.objects.count(), len(writer.paid)) == (48, 2)


def test_the_same_again_adds_nothing_twice(writer, acme):
    driven(generate_queries(acme, keywords=["pumps"], actor=ALICE))
    run = driven(generate_queries(acme, keywords=["pumps"], actor=ALICE))

    assert run.output == {"new": 0, "failed": []}
    assert SearchQuery.objects.count() == 24


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"keywords": []}, "keywords"),
        ({"keywords": ["", "  "]}, "keywords"),
        ({"keywords": ["x" * 101]}, "keywords"),
        ({"keywords": [str(n) for n in range(51)]}, "keywords"),
        ({"keywords": ["a"], "count": 0}, "count"),
        ({"keywords": ["a"], "count": 11}, "count"),
        ({"keywords": ["a"], "intents": ["hostile"]}, "intents"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_starts(wish, field, writer, acme):
    with pytest.raises(Refused) as refusal:
        generate_queries(acme, **wish, actor=ALICE)

    assert refusal.value.field == field
    assert Run.objects.count() == 0


def test_only_intents_and_counts_that_were_asked_for_are_kept():
    said = [
        {"intent": "local", "text": "a"},
        {"intent": "local", "text": "A"},
        {"intent": "local", "text": "b"},
        {"intent": "local", "text": "c"},
        {"intent": "hostile", "text": "d"},
        {"intent": "support", "text": " "},
    ]

    assert read_queries({"queries": said}, intents=["local", "support"], count=2) == [
        {"intent": "local", "text": "a"},
        {"intent": "local", "text": "b"},
    ]


@pytest.mark.parametrize("queries", [None, "x", [], [1], [{"intent": "none", "text": "x"}]])
def test_queries_in_another_form_are_unreadable(queries):
    with pytest.raises(Unreadable):
        read_queries({"queries": queries}, intents=["local"], count=1)


# --- briefs ------------------------------------------------------------------------------------------------------


def test_a_brief_is_researched_outlined_and_written_each_its_own_step(writer, acme):
    brief = create_brief(**BRIEF, client=acme, actor=ALICE)
    assert brief.status == "pending"

    run = driven(brief.run)

    brief.refresh_from_db()
    assert (run.status, brief.status) == ("completed", "ready")
    assert brief.text == "# Pumps that last\n\nWhy"
    assert brief.outline == [{"heading": "Why", "points": ["Because"]}]
    assert brief.research["google"]["questions"] == ["on google?"]
    assert [name for name, _ in history(run)] == [
        "research",
        "outline",
        "outline: read",
        "write",
        "write: read",
        "finish",
    ]
    assert len(writer.paid) == 4
    assert set(AiCall.objects.values_list("purpose", "subject", "client")) == {
        ("briefs.write", brief.public_id, acme.pk)
    }


def test_a_brief_whose_run_failed_is_failed_and_a_retry_pays_for_no_answer_again(writer):
    brief = create_brief(**BRIEF, actor=ALICE)
    writer.account.answer = lambda data: {} if "research" in data else answer(data)
    run = driven(brief.run)
    brief.refresh_from_db()
    assert (run.status, brief.status, len(writer.paid)) == ("failed", "failed", 4)

    writer.account.answer = answer
    run = driven(retry_run(run, actor=ALICE))

    assert run.status == "failed"  # its answer was paid, and stays what it is: a replay asks anew
    assert len(writer.paid) == 4


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": " "}, "title"),
        ({"keywords": []}, "keywords"),
        ({"purpose": ""}, "purpose"),
        ({"audience": "x" * 501}, "audience"),
        ({"platforms": []}, "platforms"),
        ({"platforms": ["bing"]}, "platforms"),
        ({"style_guide": "x" * 20_001}, "style_guide"),
        ({"instructions": "x" * 20_001}, "instructions"),
    ],
)
def test_a_brief_without_what_it_needs_is_refused(change, field, writer):
    with pytest.raises(Refused) as refusal:
        create_brief(**{**BRIEF, **change}, actor=ALICE)

    assert refusal.value.field == field
    assert (Brief.objects.count(), Run.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (read_outline, {}),
        (read_outline, {"sections": []}),
        (read_outline, {"sections": ["x"]}),
        (read_brief, {}),
        (read_brief, {"brief": " "}),
        (read_brief, {"brief": 1}),
        (lambda answer: read_lists(answer, "a", "b"), {"a": [], "b": None}),
        (lambda answer: read_lists(answer, "a"), {"a": [{}]}),
    ],
)
def test_briefs_in_another_form_are_unreadable(read, said):
    with pytest.raises(Unreadable):
        read(said)


# --- what a brief costs ------------------------------------------------------------------------------------------


def most_of(**changes) -> int:
    return cost_of_brief(draft_brief(**{**BRIEF, **changes})).at_most


def test_a_brief_costs_research_for_each_platform_an_outline_and_a_text(writer):
    most = most_of()

    # At $1 in: a letter of the purpose is told by 4 questions, one of the guide by the last; each is asked 3 times.
    assert most_of(purpose="To be found!") - most == 4 * 3
    assert most_of(instructions="Be brief") - most == 8 * 3
    assert cost_of_brief(draft_brief(**BRIEF)).calls == 4
    # At $4 out: 4 times the longest answers of research (twice), outline and text, beside all that is told.
    assert most > 4 * 4 * (2 * 3_000 + 3_000 + 6_000)


def test_no_brief_costs_more_than_was_told_though_every_answer_is_cut_off_and_mended(writer, acme):
    wish = BRIEF | {"platforms": ["google"], "client": acme}
    told = cost_of_brief(draft_brief(**wish))
    writer.account.output_tokens = 3_000
    writer.misbehave(script=[["truncated"], ["text", "no JSON"], ["ok"]] * 3)

    run = driven(create_brief(**wish, actor=ALICE).run)

    spent = sum(AiCall.objects.values_list("cost_micros", flat=True))
    assert (run.status, told.calls, len(writer.paid)) == ("completed", 3, 9)
    assert 9 * 3_000 * 4 < spent <= told.at_most


def test_a_program_asks_what_a_brief_costs_and_nothing_is_kept(api, writer, acme):
    wish = BRIEF | {"client": acme.public_id}
    answer = api("clients:read").post("/api/v1/briefs/estimate", wish)

    most = cost_of_brief(draft_brief(**{**BRIEF, "client": acme})).at_most
    assert answer.json() == {"calls": 4, "at_most": f"{most / 1e6:.6f}", "is_sandbox": False}
    assert api("clients:write").post("/api/v1/briefs/estimate", wish).status_code == 403
    refused = api("clients:read").post("/api/v1/briefs/estimate", wish | {"title": ""})
    assert refused.status_code == 400
    assert (Brief.objects.count(), Run.objects.count(), writer.account.calls) == (0, 0, 0)


def page_to_order_a_brief(client) -> str:
    return client.get(reverse("admin:enrichment_brief_add")).content.decode()


def test_the_form_says_what_a_brief_costs_at_most(client_of, oscar, writer):
    page = page_to_order_a_brief(client_of(oscar))

    plain = cost_of_brief(longest_brief(with_texts=False)).at_most
    longest = cost_of_brief(longest_brief(with_texts=True)).at_most
    assert f"All of them cost at most {in_dollars(plain)}, and with the longest texts" in page
    assert f"of instructions at most {in_dollars(longest)}." in page
    assert most_of(platforms=["chatgpt", "google", "perplexity"]) < plain < longest


def test_the_form_says_that_the_sandbox_costs_nothing(client_of, oscar):
    assert "it costs nothing, and what it writes is made up" in page_to_order_a_brief(
        client_of(oscar)
    )
    assert cost_of_brief(draft_brief(**BRIEF)) == BriefCost(4, 0, is_sandbox=True)


def test_the_form_says_that_there_is_no_price(client_of, oscar, openai_server):
    page = page_to_order_a_brief(client_of(oscar))

    assert "There is no price for the model" in page
    with pytest.raises(Refused):
        cost_of_brief(draft_brief(**BRIEF))


# --- the doors ---------------------------------------------------------------------------------------------------


def test_queries_and_briefs_over_http(api, writer, acme):
    caller = api("clients:read", "clients:enhance")
    place = f"/api/v1/clients/{acme.public_id}/queries"

    started = caller.post(place, {"keywords": ["pumps"], "count": 1, "intents": ["local"]})
    ordered = caller.post("/api/v1/briefs", {**BRIEF, "client": acme.public_id})
    run_until_idle(advance=True)

    assert (started.status_code, ordered.status_code) == (202, 202)
    [query] = caller.get(place).json()["results"]
    assert (query["text"], query["intent"]) == ("local pumps 0", "local")
    brief = caller.get(f"/api/v1/briefs/{ordered.json()['id']}").json()
    assert (brief["status"], brief["text"]) == ("ready", "# Pumps that last\n\nWhy")
    assert api("clients:read").post(place, {"keywords": ["x"]}).status_code == 403
    assert api("clients:read").post("/api/v1/briefs", BRIEF).status_code == 403


def test_staff_order_queries_and_briefs(client_of, oscar, bob, writer, acme):
    wish = {"keywords": "pumps\nvalves", "count": "1", "intents": ["local"]}
    button = reverse("admin:enrichment_client_write_queries", args=[acme.pk])
    form = BRIEF | {"keywords": "pumps\n", "client": str(acme.pk)}
    place = reverse("admin:enrichment_brief_add")

    assert client_of(bob).post(button, wish).status_code == 403
    assert client_of(bob).post(place, form).status_code == 403
    assert Run.objects.count() == 0
    assert client_of(oscar).post(button, wish).status_code == 302
    assert client_of(oscar).post(place, form).status_code == 302
    run_until_idle(advance=True)

    assert SearchQuery.objects.count() == 2
    brief = Brief.objects.get()
    page = client_of(bob).get(reverse("admin:enrichment_brief_change", args=[brief.pk]))
    assert "# Pumps that last" in page.content.decode()


def test_without_a_key_the_sandbox_writes_and_says_so(acme):
    driven(generate_queries(acme, keywords=["pumps"], actor=ALICE))
    brief = create_brief(**BRIEF, actor=ALICE)
    driven(brief.run)

    brief.refresh_from_db()
    assert "Sandbox" in brief.text
    assert all("Sandbox" in query.text for query in SearchQuery.objects.all())
    assert SearchQuery.objects.count() == 24
    assert set(AiCall.objects.values_list("provider", "cost_micros")) == {("sandbox", 0)}


def test_the_sandbox_writes_for_whichever_intents_are_asked_for(acme):
    wish = {"keywords": ["pumps"], "intents": ["opinion", "local"], "count": 2}

    run = driven(generate_queries(acme, **wish, actor=ALICE))

    assert (run.status, run.output) == ("completed", {"new": 4, "failed": []})
    found = SearchQuery.objects.order_by("intent", "text").values_list("intent", "text")
    assert list(found) == [
        ("local", "Sandbox: local question 1 about pumps"),
        ("local", "Sandbox: local question 2 about pumps"),
        ("opinion", "Sandbox: opinion question 1 about pumps"),
        ("opinion", "Sandbox: opinion question 2 about pumps"),
    ]


def test_what_the_sandbox_made_up_is_marked_over_http(api, acme):
    caller = api("clients:read", "clients:write")
    enhance_client(acme, actor=ALICE)
    enhance_client(client_in_review(), actor=ALICE)
    brief = create_brief(**BRIEF, actor=ALICE)
    driven(generate_queries(acme, keywords=["pumps"], actor=ALICE))

    review = Client.objects.get(mode="review")
    places = {
        f"clients/{acme.public_id}/competitors": 2,
        f"clients/{acme.public_id}/queries": 24,
        f"clients/{review.public_id}/proposals": 16,
        "briefs": 1,
    }
    for place, count in places.items():
        told = [each["is_sandbox"] for each in caller.get(f"/api/v1/{place}").json()["results"]]
        assert told == [True] * count, place
    assert caller.get(f"/api/v1/briefs/{brief.public_id}").json()["is_sandbox"] is True


def client_in_review():
    return create_client(name="Beta", mode="review", actor=ALICE)
