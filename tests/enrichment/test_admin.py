"""The pages of staff: what each may do, what they see, and that what was made up is marked as such."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from enrichment.accounts import account_of, pause_account
from enrichment.actions.enhancing import enhance_client
from enrichment.actions.fields import edit_fields, unlock_fields
from enrichment.models import (
    AiCall,
    Budget,
    Client,
    Competitor,
    FieldChange,
    FieldValue,
    ModelPrice,
    Prompt,
    Proposal,
)
from enrichment.prompts import version_of
from jobs.models import Run
from jobs.testing import run_until_idle
from tests.enrichment.conftest import ALICE

pytestmark = pytest.mark.django_db


def page(model: str, name: str, obj=None) -> str:
    return reverse(f"admin:enrichment_{model}_{name}", args=[obj.pk] if obj else [])


def enhanced(client, **how):
    run = enhance_client(client, actor=ALICE, **how)
    run_until_idle(advance=True)
    run.refresh_from_db()
    return run


def words(answer) -> str:
    html = answer.content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.fixture
def parked(model, acme) -> AiCall:
    model.misbehave(script=[["drop"]])
    enhanced(acme)
    return AiCall.objects.get()


BUTTONS = {
    "enhance": ({"mode": ""}, "alice oscar"),
    "add_competitor": ({"name": "Rival", "domain": "rival.co.za"}, "alice oscar"),
    "undo_last": ({}, "alice oscar"),
}


@pytest.mark.parametrize("name", ["alice", "oscar", "bob", "charlie"])
@pytest.mark.parametrize("button", BUTTONS)
def test_buttons_of_a_client_ask_for_the_right(button, name, client_of, acme, request):
    answers, allowed = BUTTONS[button]
    user = request.getfixturevalue(name)
    User.objects.filter(pk=user.pk).update(is_staff=True)

    answer = client_of(user).post(page("client", button, acme), answers)

    assert answer.status_code == (302 if name in allowed.split() else 403)
    assert Run.objects.count() == (button == "enhance" and name in allowed.split())


@pytest.mark.parametrize("name", ["oscar", "bob"])
@pytest.mark.parametrize("decision", ["look_again", "ask_again", "give_up"])
def test_deciding_about_a_doubt_asks_for_the_right(decision, name, client_of, parked, request):
    answer = client_of(request.getfixturevalue(name)).post(page("aicall", decision, parked))

    parked.refresh_from_db()
    assert answer.status_code == (302 if name == "oscar" else 403)
    assert (parked.status == "abandoned") == (name == "oscar" and decision != "look_again")


def test_a_client_is_made_and_asked_about(client_of, alice, model):
    browser = client_of(alice)

    made = browser.post(
        page("client", "add"),
        {"name": "Acme", "domain": "www.acme.co.za", "mode": "auto", "web_text": ""},
    )
    client = Client.objects.get()
    question = words(browser.get(page("client", "enhance", client)))
    browser.post(page("client", "enhance", client), {"mode": ""})
    run_until_idle(advance=True)
    shown = words(browser.get(page("client", "change", client)))

    assert (made.status_code, client.domain, client.created_by) == (302, "acme.co.za", ALICE)
    assert re.search(r"One call, at most \$0\.\d+\. No call of late tells", question)
    assert "Described" in shown
    assert "3 of 14 fields known" in shown
    assert "Industry Acme industry AI 90 %" in shown
    assert "Rival of Acme rival.co.za AI" in shown


def test_what_the_sandbox_made_up_is_marked_everywhere(client_of, alice, acme):
    enhanced(acme)
    browser, call = client_of(alice), AiCall.objects.get()

    assert (call.provider, call.cost_micros, call.price) == ("sandbox", 0, None)
    assert FieldValue.objects.exclude(value__icontains="sandbox").count() == 0
    shown = words(browser.get(page("client", "change", acme)))
    assert "AI (sandbox)" in shown
    assert "made up by the sandbox" in words(browser.get(page("aicall", "change", call)))
    question = words(browser.get(page("client", "enhance", acme)))
    assert "built-in sandbox model: it costs nothing, and what it answers is made up" in question
    enhanced(acme, mode="review")
    assert Proposal.objects.count() == 0  # all of it stands already
    Proposal.objects.create(client=acme, field="use_cases", value=["x"], call=call)
    for model in ("proposal", "competitor", "fieldchange"):
        assert "AI (sandbox)" in words(browser.get(page(model, "changelist")))
    queries = words(browser.get(page("client", "write_queries", acme)))
    assert "one call for each keyword, to the built-in sandbox model, for nothing" in queries


def test_what_is_typed_into_a_field_is_locked_and_shown_as_a_persons(client_of, alice, model, acme):
    enhanced(acme)
    browser = client_of(alice)
    given = shown_on_the_page_of(acme, browser)

    answer = browser.post(page("client", "change", acme), given | {"industry_primary": "Mining"})

    assert answer.status_code == 302
    said = {v.field: (v.value, v.source, v.is_locked) for v in acme.values.all()}
    assert said["industry_primary"] == ("Mining", "human", True)
    assert said["target_audience"] == (["buyers", "owners"], "ai", False)
    assert FieldChange.objects.filter(source="human").count() == 1

    browser.post(page("client", "unlock", acme), {"chosen": ["industry_primary"]})
    assert not acme.values.filter(is_locked=True).exists()


def shown_on_the_page_of(client, browser) -> dict[str, str]:
    """Return what a browser sends when nothing was typed: each value, and beside it what the page showed."""
    form = browser.get(page("client", "change", client)).context["adminform"].form
    shown = {name: form[name].value() or "" for name in form.fields}
    return shown | {form[name].html_initial_name: value for name, value in shown.items()}


def test_a_page_that_was_opened_before_takes_nothing_back(client_of, alice, model, acme):
    browser = client_of(alice)
    given = shown_on_the_page_of(acme, browser)
    enhanced(acme)
    edit_fields(acme, {"use_cases": ["mine"]}, actor="staff:bob")

    answer = browser.post(page("client", "change", acme), given | {"name": "Acme Ltd"})

    acme.refresh_from_db()
    said = {v.field: (v.value, v.source, v.is_locked) for v in acme.values.all()}
    assert (answer.status_code, acme.name) == (302, "Acme Ltd")
    assert said == {
        "industry_primary": ("Acme industry", "ai", False),
        "business_model": ("B2B", "ai", False),
        "target_audience": (["buyers", "owners"], "ai", False),
        "use_cases": (["mine"], "human", True),
    }


def test_the_page_tells_the_browser_what_it_showed(client_of, alice, model, acme):
    enhanced(acme)

    html = client_of(alice).get(page("client", "change", acme)).content.decode()

    assert re.search(r'<input type="hidden" name="initial-business_model" value="B2B"[^>]*>', html)


def test_proposals_are_accepted_field_by_field(client_of, alice, model, client_named):
    client = client_named("Acme", mode="review")
    enhanced(client)
    browser = client_of(alice)
    waiting = {each.field: each.public_id for each in Proposal.objects.all()}

    shown = words(browser.get(page("client", "change", client)))
    offered = words(browser.get(page("client", "accept", client)))
    browser.post(page("client", "accept", client), {"chosen": [waiting["business_model"]]})

    assert (client.values.count(), len(waiting)) == (1, 4)
    assert "Waits for you" in shown
    assert "4 proposals wait for you." in shown
    assert "Business model: B2B" in offered
    assert "Competitor: Rival of Acme (rival.co.za)" in offered
    browser.post(page("proposal", "reject", Proposal.objects.get(field="competitor")))
    assert client.competitors.count() == 0


def test_a_proposal_is_shown_beside_what_stands_now(client_of, alice, model, client_named):
    client = client_named("Acme", mode="review")
    edit_fields(client, {"business_model": "B2C"}, actor=ALICE)
    unlock_fields(client, ["business_model"], actor=ALICE)
    enhanced(client)

    shown = words(client_of(alice).get(page("client", "change", client)))

    assert "Business model B2C B2B AI 80 %" in shown
    assert "Industry – Acme industry AI 90 %" in shown


@pytest.mark.parametrize("model_name", ["aicall", "proposal", "competitor", "fieldchange"])
def test_a_list_of_one_clients_rows_names_no_other_client(
    model_name, client_of, alice, model, client_named
):
    acme, other = client_named("Acme"), client_named("Zebra", mode="review")
    for client in (acme, other):
        enhanced(client)
        enhanced(client, mode="review")
    Proposal.objects.create(
        client=acme, field="use_cases", value=["x"], call=AiCall.objects.filter(client=acme)[0]
    )
    competitor = {"name": "Rival", "domain": "rival.co.za", "source": "human"}
    Competitor.objects.get_or_create(client=other, domain="rival.co.za", defaults=competitor)

    place = f"{page(model_name, 'changelist')}?client__id__exact={acme.pk}"
    shown = words(client_of(alice).get(place))

    assert "Acme" in shown
    assert "Zebra" not in shown


def test_a_change_is_undone_unless_the_field_was_changed_since(client_of, alice, model, acme):
    enhanced(acme)
    first = FieldChange.objects.get(field="industry_primary")
    edit_fields(acme, {"industry_primary": "Mining"}, actor=ALICE)
    browser = client_of(alice)

    refused = browser.post(page("fieldchange", "undo", first), follow=True)
    assert "was changed since" in words(refused)
    assert acme.values.get(field="industry_primary").value == "Mining"

    browser.post(page("fieldchange", "undo", FieldChange.objects.first()))
    kept = acme.values.get(field="industry_primary")
    assert (kept.value, kept.source, kept.confidence) == ("Acme industry", "ai", 0.9)
    assert kept.call == AiCall.objects.get()


def test_the_last_answer_is_undone_as_a_whole(client_of, alice, model, acme):
    edit_fields(acme, {"use_cases": ["mine"]}, actor=ALICE)
    enhanced(acme)

    client_of(alice).post(page("client", "undo_last", acme))

    assert [(v.field, v.value) for v in acme.values.all()] == [("use_cases", ["mine"])]


def test_many_are_asked_after_an_estimate_and_within_a_cap(client_of, alice, model, client_named):
    for number in range(3):
        client_named(f"Client {number}")
    browser = client_of(alice)
    chosen = {
        "action": "enhance_selected",
        "_selected_action": [str(each.pk) for each in Client.objects.all()],
    }

    question = browser.post(page("client", "changelist"), chosen)
    assert re.search(r"3 calls, three at a time, at most \$0\.\d+", words(question))
    assert Run.objects.count() == 0

    started = browser.post(
        page("client", "changelist"), chosen | {"confirmed": "yes", "at_most": "0.05", "mode": ""}
    )
    run = Run.objects.get()
    assert started["Location"] == reverse("admin:jobs_run_change", args=[run.pk])
    assert Budget.objects.get().cap_micros == 50_000
    run_until_idle(advance=True)
    assert len(model.paid) == 3


def test_many_that_are_pressed_twice_are_paid_once(client_of, alice, model, client_named):
    for number in range(3):
        client_named(f"Client {number}")
    browser = client_of(alice)
    pks = [str(each.pk) for each in Client.objects.all()]
    chosen = {"action": "enhance_selected", "confirmed": "yes", "at_most": "", "mode": ""}

    browser.post(page("client", "changelist"), chosen | {"_selected_action": pks})
    again = browser.post(
        page("client", "changelist"), chosen | {"_selected_action": pks}, follow=True
    )
    client_named("Client 3")
    pks = [str(each.pk) for each in Client.objects.all()]
    more = browser.post(
        page("client", "changelist"), chosen | {"_selected_action": pks}, follow=True
    )
    queued = words(browser.get(page("client", "changelist")))
    run_until_idle(advance=True)

    assert "All 3 clients are being asked about already." in words(again)
    assert "AI is asked about 1; this page follows it. 3 were being asked about" in words(more)
    assert queued.count("In the queue") == 4
    assert len(model.paid) == 4
    assert words(browser.get(page("client", "changelist"))).count("Described") == 4


def test_clients_are_not_deleted_by_the_dozen(client_of, alice, acme):
    chosen = {"action": "delete_selected", "_selected_action": [str(acme.pk)], "post": "yes"}

    client_of(alice).post(page("client", "changelist"), chosen)

    assert Client.objects.filter(pk=acme.pk).exists()


@pytest.mark.parametrize("count", [2, 12])
def test_the_list_asks_the_database_no_more_for_more_clients(
    count, client_of, alice, model, client_named, django_assert_max_num_queries
):
    pause_account("openai", reason="You exceeded your current quota.")
    for number in range(count):
        enhance_client(client_named(f"Client {number}"), actor=ALICE)
    run_until_idle(advance=True)
    browser = client_of(alice)
    browser.get(page("client", "changelist"))

    with django_assert_max_num_queries(12):
        shown = words(browser.get(page("client", "changelist")))

    assert shown.count("AI is paused") == count


def test_who_may_not_spend_is_offered_no_asking(client_of, bob, acme):
    browser = client_of(bob)
    chosen = {"action": "enhance_selected", "_selected_action": [str(acme.pk)], "confirmed": "yes"}

    browser.post(page("client", "changelist"), chosen)

    assert Run.objects.count() == 0
    assert "Ask AI" not in words(browser.get(page("client", "change", acme)))


def test_the_ledger_begins_with_what_was_spent(client_of, alice, model, acme):
    enhanced(acme)
    cost = AiCall.objects.get().cost_micros
    client_of(alice).post(page("budget", "add"), {"scope": "day", "subject": "", "cap": "10"})

    shown = words(client_of(alice).get(page("aicall", "changelist")))

    dollars = f"${-(-cost // 100) / 10_000:.4f}"
    assert f"What AI cost in the last 30 days: {dollars}" in shown
    assert f"clients.enhance {dollars} 1 call" in shown
    assert "of $10.00 spent" in shown


def test_a_negative_budget_is_refused(client_of, alice):
    answer = client_of(alice).post(
        page("budget", "add"), {"scope": "day", "subject": "", "cap": "-1"}
    )

    assert answer.status_code == 200
    assert "greater than or equal to 0" in words(answer)
    assert Budget.objects.count() == 0


def test_a_price_is_entered_once_and_never_changed(client_of, alice):
    browser = client_of(alice)
    given = {
        "model": "gpt-test",
        "valid_from": "2026-01-01",
        "input_price": "1",
        "cached_price": "0.25",
        "output_price": "4",
    }

    assert browser.post(page("modelprice", "add"), given).status_code == 302
    again = browser.post(page("modelprice", "add"), given | {"input_price": "2"})

    assert again.status_code == 200
    price = ModelPrice.objects.get()
    assert (price.input_price, price.valid_from) == (1, date(2026, 1, 1))
    browser.post(page("modelprice", "change", price), given | {"input_price": "9"})
    assert ModelPrice.objects.get().input_price == 1


def test_a_new_version_of_a_prompt_leaves_the_old_one(client_of, alice):
    first = version_of("clients-enhance")
    prompt, browser = Prompt.objects.get(), client_of(alice)
    form = browser.get(page("prompt", "save", prompt)).context["form"]
    given = {name: form[name].value() for name in form.fields}

    browser.post(page("prompt", "save", prompt), given | {"text": "Say what it does."})
    refused = browser.post(
        page("prompt", "save", prompt), given | {"schema": '{"type": "object"}'}, follow=True
    )

    assert [v.number for v in prompt.versions.all()] == [2, 1]
    assert prompt.latest.text == "Say what it does."
    assert version_of("clients-enhance") == prompt.latest
    first.refresh_from_db()
    assert first.number == 1
    assert "The schema is not strict" in words(refused)
    with pytest.raises(TypeError):
        first.save()


def test_a_paused_account_is_shown_and_resumed(client_of, alice, oscar, bob, model, acme):
    pause_account("openai", reason="You exceeded your current quota.")
    account = account_of("openai")

    shown = words(client_of(bob).get(page("client", "change", acme)))
    assert "AI is paused: You exceeded your current quota." in shown
    assert client_of(bob).post(page("aiaccount", "resume", account)).status_code == 403
    assert client_of(oscar).post(page("aiaccount", "resume", account)).status_code == 302
    account.refresh_from_db()
    assert not account.is_paused


def test_the_page_follows_the_run_and_stops_with_it(client_of, alice, model, acme):
    run = enhance_client(acme, actor=ALICE)
    browser = client_of(alice)

    before = browser.get(page("client", "panel", acme))
    assert 'hx-trigger="every 2s"' in before.content.decode()
    assert "In the queue" in words(before)
    run_until_idle(advance=True)
    after = browser.get(page("client", "panel", acme))

    assert (after["HX-Refresh"], "hx-trigger" in after.content.decode()) == ("true", False)
    run.refresh_from_db()
    assert (run.progress_done, run.progress_total) == (4, 4)


def test_a_doubt_is_shown_with_what_to_do(client_of, alice, parked, acme):
    shown = words(client_of(alice).get(page("client", "change", acme)))
    ledger = words(client_of(alice).get(page("aicall", "changelist")))

    assert "A call has no certain answer, and may have been paid." in shown
    assert "Waits for you" in ledger
    assert "up to $0." in ledger
