"""A sender that goes over to another provider takes nothing with it that the first one may have."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core.errors import Conflict
from jobs.testing import run_one
from messaging.actions.senders import change_sender, pause_sender, resume_sender
from messaging.models import SandboxMessage, SendBatch, Sender
from tests.messaging.outbox.making import deliver, make_stream, statuses

pytestmark = pytest.mark.django_db

STAFF = "staff:alice"


def leave_a_doubt(resend: Sender, resend_server) -> None:
    """Let a batch be taken whose answer is lost, and the lane come to rest before it is resolved."""
    resend_server.misbehave(script=[["cut"]])
    run_one()
    pause_sender(resend, reason="a look at the account", actor=STAFF)
    deliver()
    assert SendBatch.objects.get().status == "attempted"


def test_what_the_first_may_have_is_not_given_to_the_second(resend, resend_server):
    stream = make_stream(resend, people=2)
    leave_a_doubt(resend, resend_server)

    with pytest.raises(Conflict) as refused:
        change_sender(resend, provider="sandbox", actor=STAFF)

    assert refused.value.field == "provider"
    assert Sender.objects.get().provider == "resend"
    resume_sender(resend, actor=STAFF)
    deliver()
    assert statuses(stream) == {"sent": 2}
    assert len(resend_server.accepted) == 2
    assert SandboxMessage.objects.count() == 0


def test_a_sender_at_work_does_not_change_its_provider(resend, resend_server):
    make_stream(resend, people=2)

    with pytest.raises(Conflict, match="it is sending through it"):
        change_sender(resend, provider="sandbox", actor=STAFF)

    assert Sender.objects.get().provider == "resend"


def test_what_a_blocked_provider_was_not_given_goes_out_through_the_next(resend, resend_server):
    resend_server.misbehave(script=[[403, "suspended_api_key"]])
    stream = make_stream(resend, people=3)
    deliver()
    assert SendBatch.objects.get().status == "frozen"

    change_sender(resend, provider="sandbox", actor=STAFF)
    resume_sender(Sender.objects.get(), actor=STAFF)
    deliver()

    assert statuses(stream) == {"sent": 3}
    assert SandboxMessage.objects.count() == 3
    assert resend_server.accepted == []
    assert sorted(SendBatch.objects.values_list("status", flat=True)) == ["dissolved", "settled"]


def test_other_changes_are_free(resend, resend_server):
    make_stream(resend, people=2)
    leave_a_doubt(resend, resend_server)

    change_sender(resend, provider="resend", daily_cap=100, actor=STAFF)

    assert Sender.objects.get().daily_cap == 100


def test_the_page_says_so_beside_the_field(resend, resend_server, client_of, oscar):
    make_stream(resend, people=2)
    leave_a_doubt(resend, resend_server)
    place = reverse("admin:messaging_sender_change", args=[resend.pk])
    browser = client_of(oscar)
    form = browser.get(place).context["adminform"].form
    given = {name: form[name].value() for name in form.fields}
    given = {name: "" if value is None else value for name, value in given.items()}

    answer = browser.post(place, {**given, "provider": "sandbox"})

    [told] = answer.context["adminform"].form.errors["provider"]
    assert "cannot leave Resend now: it may have messages of which no answer came" in told
    assert Sender.objects.get().provider == "resend"
