"""Files of companies: clients with what the file says, and clients that AI is asked about."""

from __future__ import annotations

import pytest

from core.errors import Refused
from enrichment.actions.clients import create_client
from enrichment.actions.fields import edit_fields
from enrichment.models import AiCall, Budget, Client, FieldChange, FieldValue
from imports.actions import create_batch, store_upload, undo_batch
from imports.models import CsvBatch
from jobs.models import Run
from jobs.testing import run_until_idle

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
