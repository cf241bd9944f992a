"""STOP, START and HELP: what a person answers by SMS is done, and the provider does the talking."""

from __future__ import annotations

import pytest

from jobs.testing import run_until_idle
from messaging.addresses import address_hash
from messaging.models import (
    Consent,
    ConsentEvent,
    Contact,
    ProviderEvent,
    Suppression,
    SuppressionReason,
)
from messaging.wishes import Wish, wish_of
from tests.fakes.webhooks import inbound_sms, signed_by_twilio, status_callback
from tests.messaging.webhooks.conftest import NUMBER


def answer(text: str, **fields: str) -> None:
    posted = signed_by_twilio("/webhooks/twilio/inbound", inbound_sms(text, **fields))
    assert posted.send().status_code == 200
    run_until_idle(advance=True)
    assert not ProviderEvent.objects.unapplied().exists()


@pytest.mark.parametrize(
    ("text", "opt_out_type", "wish"),
    [
        ("STOP", "", Wish.STOP),
        (" stop. ", "", Wish.STOP),
        ("Unsubscribe", "", Wish.STOP),
        ("cancel!", "", Wish.STOP),
        ("revoke", "", Wish.STOP),
        ("Start", "", Wish.START),
        ("help", "", Wish.HELP),
        ("please stop this", "", None),
        ("stop by tomorrow?", "", None),
        ("yes", "", None),
        ("", "", None),
        ("arrêt", "STOP", Wish.STOP),
        ("stop", "START", Wish.START),
        ("stop", "somethingnew", Wish.STOP),
        ("hello", "help", Wish.HELP),
    ],
)
def test_the_providers_reading_comes_first_and_the_word_second(
    text: str, opt_out_type: str, wish: Wish | None
) -> None:
    assert wish_of(text, opt_out_type=opt_out_type) is wish


def test_stop_ends_everything_on_that_number(lerato: Contact) -> None:
    answer("STOP")

    suppression = Suppression.objects.get()
    event = ConsentEvent.objects.latest("pk")
    assert (suppression.channel, suppression.reason) == ("sms", "stopped")
    assert suppression.address_hash == lerato.phone_hash
    assert Consent.objects.get().state == "withdrawn"
    assert (event.source, event.actor) == ("SMS reply STOP", "recipient")
    assert ProviderEvent.objects.get().contact == lerato


def test_start_takes_stop_back(lerato: Contact) -> None:
    answer("STOP")
    answer("START")

    assert Suppression.objects.count() == 0
    assert Consent.objects.get().state == "granted"
    states = ConsentEvent.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["granted", "withdrawn", "granted"]


def test_start_lifts_nothing_that_staff_closed(lerato: Contact) -> None:
    Suppression.objects.create(
        channel="sms", address_hash=lerato.phone_hash, reason=SuppressionReason.MANUAL
    )

    answer("START")

    assert Suppression.objects.get().reason == "manual"


def test_stop_from_a_number_of_nobody_closes_it_for_whoever_comes(db: None) -> None:
    answer("STOP", From="+27825559999")
    stopped = list(Suppression.objects.values_list("address_hash", "reason"))
    answer("START", From="+27825559999")

    assert stopped == [(address_hash("+27825559999"), "stopped")]
    assert Suppression.objects.count() == 0


def test_stop_after_an_unsubscription_closes_transactional_messages_too(lerato: Contact) -> None:
    Suppression.objects.create(
        channel="sms", address_hash=lerato.phone_hash, reason=SuppressionReason.UNSUBSCRIBED
    )

    answer("STOP")

    assert Suppression.objects.get().reason == "stopped"


@pytest.mark.parametrize("text", ["HELP", "Thank you!", "Grüße 🎉"])
def test_anything_else_is_kept_with_its_person_and_changes_nothing(
    lerato: Contact, text: str
) -> None:
    answer(text)

    event = ProviderEvent.objects.get()
    assert (event.kind, event.contact) == ("inbound", lerato)
    assert Suppression.objects.count() == 0
    assert Consent.objects.get().state == "granted"


def test_an_answer_from_no_number_is_kept(db: None) -> None:
    answer("STOP", From="whatsapp:+27825550134")

    assert ProviderEvent.objects.get().note == "it comes from no telephone number"
    assert Suppression.objects.count() == 0


def test_the_same_answer_twice_is_heeded_once(lerato: Contact) -> None:
    answer("STOP", MessageSid="SM1")
    answer("STOP", MessageSid="SM1")

    assert ProviderEvent.objects.count() == 1
    assert ConsentEvent.objects.filter(state="withdrawn").count() == 1


def test_a_number_that_the_provider_says_opted_out_is_closed(lerato: Contact, sms_message) -> None:
    path = f"/webhooks/twilio/status?m={sms_message.public_id}&a=1"
    posted = signed_by_twilio(path, status_callback("failed", ErrorCode="21610", To=NUMBER))

    assert posted.send().status_code == 204
    run_until_idle(advance=True)

    assert Suppression.objects.get().reason == "stopped"
    sms_message.refresh_from_db()
    assert sms_message.trouble == "failed: 21610, the person has opted out"
