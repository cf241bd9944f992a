"""Files of companies: clients with what the file says, and clients that AI is asked about."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from core.errors import Refused
from enrichment.actions.clients import create_client
from enrichment.actions.enhancing import PROMPT, enhance_client, estimate
from enrichment.actions.fields import edit_fields
from enrichment.actions.money import set_price
from enrichment.models import AiCall, Budget, Client, FieldChange, FieldValue
from enrichment.pricing import in_dollars
from enrichment.prompts import version_of
from imports import estimating
from imports.actions import create_batch, start_batch, store_upload, undo_batch
from imports.estimating import cost_of
from imports.models import CsvBatch
from jobs.models import Run
from jobs.testing import run_until_idle
from tests.fakes.fixtures import openai_server

__all__ = ["openai_server"]
pytestmark = pytest.mark.django_db
ALICE = "staff:alice"
FILE = """company,website,industry,products
Acme,https://www.acme.co.za/about,Mining,Drills; Bits ;drills
Beta,beta.com,,
Gamma,nonsense,Farming,
"""


def finished(batch: CsvBatch) -> CsvBatch:
    run_until_idle(advance=True)
    batch.refresh_from_db()
    return batch


def test_companies_become_clients_with_what_the_file_says(imported):
    batch = imported(FILE, target="clients")

    assert (batch.status, batch.created, batch.failed) == ("completed", 2, 1)
    acme = Client.objects.get(name="Acme")
    assert acme.domain == "acme.co.za"
    said = {v.field: (v.value, v.source, v.set_by) for v in acme.values.all()}
    assert said == {
        "industry_primary": ("Mining", "import", f"import:{batch.public_id}"),
        "key_products": (["Drills", "Bits"], "import", f"import:{batch.public_id}"),
    }
    assert Client.objects.get(name="Beta").values.count() == 0
    assert FieldChange.objects.count() == 2
    [row] = batch.rows.filter(status="failed")
    assert "no web domain" in row.error_message


def test_the_same_file_again_writes_nothing(imported):
    imported(FILE, target="clients")
    again = imported(FILE, target="clients")

    assert (again.unchanged, again.created, again.updated) == (2, 0, 0)
    assert FieldChange.objects.count() == 2


def test_what_a_person_has_set_stays(imported):
    acme = create_client(name="Acme", domain="acme.co.za", actor=ALICE)
    edit_fields(acme, {"industry_primary": "Water"}, actor=ALICE)

    imported(FILE, target="clients")

    said = {v.field: (v.value, v.source) for v in acme.values.all()}
    assert said["industry_primary"] == ("Water", "human")
    assert said["key_products"] == (["Drills", "Bits"], "import")


def test_an_import_is_undone_with_who_had_said_what(imported):
    acme = create_client(name="Old name", domain="acme.co.za", actor=ALICE)
    FieldValue.objects.create(
        client=acme, field="industry_primary", value="Gold", source="ai", set_by="run:1"
    )
    batch = imported(FILE, target="clients")

    undo_batch(batch, actor=ALICE)
    finished(batch)

    assert (batch.status, batch.undone, batch.not_undone) == ("undone", 2, 0)
    acme.refresh_from_db()
    [kept] = acme.values.all()
    assert (Client.objects.count(), acme.name) == (1, "Old name")
    assert (kept.field, kept.value, kept.source, kept.set_by) == (
        "industry_primary",
        "Gold",
        "ai",
        "run:1",
    )


def test_what_a_person_has_locked_since_outlives_the_undoing(imported):
    create_client(name="Acme", domain="acme.co.za", actor=ALICE)
    batch = imported(FILE, target="clients")
    acme = Client.objects.get(name="Acme")
    edit_fields(acme, {"industry_primary": "Mining"}, actor=ALICE)  # the same, and now hers

    undo_batch(batch, actor=ALICE)
    finished(batch)

    said = {v.field: (v.value, v.source, v.is_locked) for v in acme.values.all()}
    assert said == {"industry_primary": ("Mining", "human", True)}


ASKED = "name,domain\n" + "".join(f"Client {n},client{n}.co.za\n" for n in range(4))


def test_rows_run_through_ai_once_each_on_the_budget_of_their_import(created):
    batch = finished(created(ASKED, target="clients_asked", go="import", options={"at_most": "5"}))

    assert (batch.status, batch.created) == ("completed", 4)
    runs = Run.objects.filter(workflow="enrichment.enhance_client")
    assert set(runs.values_list("status", flat=True)) == {"completed"}
    assert AiCall.objects.filter(provider="sandbox").count() == 4
    assert all(client.values.count() == 14 for client in Client.objects.all())
    budget = Budget.objects.get()
    assert (budget.scope, budget.subject, budget.cap_micros) == ("run", batch.public_id, 5_000_000)


def test_a_client_that_stands_is_asked_about_and_not_made_twice(created):
    create_client(name="Mine", domain="client1.co.za", actor=ALICE)

    finished(created(ASKED, target="clients_asked", go="import", options={"at_most": "5"}))

    assert Client.objects.count() == 4
    assert AiCall.objects.count() == 4


@pytest.mark.parametrize("amount", ["", "lots", "-1", "NaN", "Infinity"])
def test_a_cap_is_asked_for(amount, db):
    file, name = store_upload([ASKED.encode()]), "clients.csv"

    with pytest.raises(Refused) as refusal:
        create_batch(
            file,
            target="clients_asked",
            actor=ALICE,
            file_name=name,
            options={"at_most": amount},
        )

    assert refusal.value.field == "at_most"
    assert CsvBatch.objects.count() == 0


def test_without_a_price_no_row_is_asked_about(created, settings):
    settings.OPENAI_API_KEY = "sk-test"

    batch = finished(created(ASKED, target="clients_asked", go="import", options={"at_most": "5"}))

    assert (batch.failed, Client.objects.count()) == (4, 0)
    assert not Run.objects.filter(workflow="enrichment.enhance_client").exists()


# --- what it costs, told before it starts ------------------------------------------------------------------------

#: A client that stands, one twice, one that is none.
MIXED = """name,domain,about
Acme,acme.co.za,Pumps for mines
Beta,beta.com,
Beta twice,beta.com,Not this row
Gamma,nonsense,Nobody is asked about this
"""


@pytest.fixture
def priced(openai_server, db) -> None:
    """A model that is paid, $1 in and $4 out."""
    prices = {"input_price": Decimal(1), "cached_price": Decimal(1), "output_price": Decimal(4)}
    model = version_of(PROMPT).model
    set_price(model, valid_from=date(2020, 1, 1), **prices, actor=ALICE)


@pytest.fixture
def waiting(created):
    """Bring a file to where its import may be started."""

    def bring(content: str, *, at_most: str = "5") -> CsvBatch:
        width = len(content.splitlines()[0].split(","))
        columns = [{"field": name} for name in ("name", "domain", "web_text")[:width]]
        batch = created(
            content, target="clients_asked", columns=columns, options={"at_most": at_most}
        )
        return finished(batch)

    return bring


def test_before_it_starts_it_says_what_the_rows_cost_beside_what_they_may(waiting, priced):
    acme = create_client(name="Old", domain="acme.co.za", web_text="Old", actor=ALICE)
    edit_fields(acme, {"industry_primary": "Water"}, actor=ALICE)

    batch = waiting(MIXED)
    told = cost_of(batch)

    assert Client.objects.get().web_text == "Old"
    start_batch(batch, actor=ALICE)
    finished(batch)
    most = in_dollars(estimate(list(Client.objects.all())).at_most)
    assert told == (
        f"2 calls, three at a time, at most {most}. No call of late tells what it will probably be."
        " All of it together may cost $5.00."
    )
    assert cost_of(batch) == ""


def test_what_calls_have_cost_of_late_tells_what_an_import_probably_costs(waiting, priced):
    enhance_client(create_client(name="Asked of late", actor=ALICE), actor=ALICE)
    run_until_idle(advance=True)
    each = AiCall.objects.get().cost_micros

    told = cost_of(waiting(ASKED))

    assert told.startswith(f"4 calls, three at a time, probably {in_dollars(4 * each)}, at most $")


def test_a_cap_that_may_not_hold_all_is_told(waiting, priced):
    assert cost_of(waiting(ASKED, at_most="0.01")).endswith(
        "All of it together may cost $0.01. Who does not fit in can be asked later."
    )


def test_rows_that_nobody_has_read_count_as_the_dearest_before_them(waiting, priced, monkeypatch):
    each = estimate([Client(name="Client 0", domain="client0.co.za")]).at_most
    monkeypatch.setattr(estimating, "READ_ROWS", 2)

    told = cost_of(waiting(ASKED))

    assert told.startswith(f"4 calls, three at a time, at most {in_dollars(4 * each)}.")
    assert "Rows further down count as the dearest of those before." in told


def test_the_sandbox_costs_nothing_and_says_so(waiting):
    assert cost_of(waiting(ASKED)) == (
        "4 calls, three at a time to the built-in sandbox model: it costs nothing, and what it answers is made up."
    )


def test_without_a_price_it_says_so_before_it_starts(waiting, settings):
    settings.OPENAI_API_KEY = "sk-test"

    told = cost_of(waiting(ASKED))

    assert told.startswith("There is no price for the model")
    assert not Client.objects.exists()


def test_page_and_api_show_it_until_it_starts(waiting, priced, client_of, alice, api):
    batch = waiting(ASKED)
    page = f"/admin/imports/csvbatch/{batch.pk}/change/"
    place = f"/api/v1/imports/{batch.public_id}"
    told = cost_of(batch)

    assert f"{told} 5 rows at a time" in client_of(alice).get(page).content.decode()
    assert api("imports:read").get(place).json()["estimate"] == told
    start_batch(batch, actor=ALICE)
    assert told not in client_of(alice).get(page).content.decode()
    assert api("imports:read").get(place).json()["estimate"] == ""


def test_an_import_that_calls_nobody_costs_nothing(created):
    batch = finished(created(FILE, target="clients", go="check"))

    assert (batch.status, cost_of(batch)) == ("ready", "")


def test_where_no_row_can_be_asked_about_nothing_is_told(waiting, priced):
    assert cost_of(waiting("name,domain\nGamma,nonsense\n")) == ""
