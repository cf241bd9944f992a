"""What is known of a person at events, and that nothing of it is left once they are erased."""

from __future__ import annotations

from funnels.models import Registration
from jobs.events.sending import send_event
from jobs.models import Event as Fact
from jobs.models import Run
from messaging.actions.erasing import erase_contact
from messaging.dossier import export_contact
from messaging.models import Contact
from tests.funnels.conftest import ALICE, HOUR, TODAY
from tests.funnels.telling import live_until


def test_nothing_of_an_erased_person_is_left_in_what_enrolled_them(event, before):
    person = {"email": "ada@example.com", "first_name": "Ada"}
    send_event("event.enrolled", {"event": event.public_id, "person": person})
    live_until(TODAY + HOUR)
    ada = Contact.objects.get()
    assert export_contact(ada, actor=ALICE)["registrations"][0]["status"] == "registered"

    erase_contact(ada, actor=ALICE)
    live_until(TODAY + 2 * HOUR)

    registration = Registration.objects.get()
    assert (registration.status, registration.join_url) == ("withdrawn", "")
    assert Run.objects.get(workflow="funnels.enroll").input == {}
    assert Fact.objects.get().data == {}
