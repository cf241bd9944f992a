"""Consent has a present state and a history that nobody rewrites."""

from __future__ import annotations

import pytest

from core.errors import Refused
from core.models import AuditEntry
from messaging.actions.consent import (
    give_consent,
    lift_suppression,
    resubscribe,
    suppress_address,
    unsubscribe,
    withdraw_consent,
)
from messaging.channels import Channel
from messaging.models import (
    Consent,
    ConsentEvent,
    ConsentState,
    Contact,
    Suppression,
    SuppressionReason,
)
from messaging.models.append_only import RewriteError


def states(contact: Contact) -> list[str]:
    return [event.state for event in ConsentEvent.objects.filter(contact=contact).order_by("pk")]


def test_consent_is_kept_with_its_source_and_wording(sipho: Contact) -> None:
    given = give_consent(
        sipho,
        Channel.EMAIL,
        source="newsletter form",
        wording="Write to me",
        ip_address="192.0.2.7",
        actor="staff:alice",
    )

    event = ConsentEvent.objects.get(contact=sipho)
    assert given is True
    assert Consent.objects.get(contact=sipho).state == ConsentState.GRANTED
    assert (event.state, event.source, event.wording, event.ip_address, event.actor) == (
        "granted",
        "newsletter form",
        "Write to me",
        "192.0.2.7",
        "staff:alice",
    )


def test_consent_given_again_changes_nothing(thandi: Contact) -> None:
    assert give_consent(thandi, Channel.EMAIL, source="again", actor="system") is False
    assert states(thandi) == ["granted"]


def test_consent_is_kept_per_channel(thandi: Contact) -> None:
    withdraw_consent(thandi, Channel.SMS, source="reply", actor="system")

    assert Consent.objects.get(contact=thandi, channel=Channel.EMAIL).state == "granted"
    assert Consent.objects.get(contact=thandi, channel=Channel.SMS).state == "withdrawn"


def test_withdrawing_moves_the_state_and_adds_to_the_history(thandi: Contact) -> None:
    assert withdraw_consent(thandi, Channel.EMAIL, source="telephone", actor="staff:alice") is True
    assert withdraw_consent(thandi, Channel.EMAIL, source="telephone", actor="staff:alice") is False

    assert Consent.objects.get(contact=thandi).state == ConsentState.WITHDRAWN
    assert states(thandi) == ["granted", "withdrawn"]
    assert AuditEntry.objects.filter(verb="consent.withdrawn").count() == 1


def test_consent_without_a_source_is_refused(sipho: Contact) -> None:
    with pytest.raises(Refused) as refusal:
        give_consent(sipho, Channel.EMAIL, source=" ", actor="system")

    assert refusal.value.field == "source"
    assert Consent.objects.count() == 0


def test_the_history_cannot_be_rewritten(thandi: Contact) -> None:
    event = ConsentEvent.objects.get(contact=thandi)
    event.source = "another"

    with pytest.raises(RewriteError):
        event.save()
    with pytest.raises(RewriteError):
        event.delete()
    with pytest.raises(RewriteError):
        ConsentEvent.objects.update(source="another")
    with pytest.raises(RewriteError):
        ConsentEvent.objects.all().delete()
    with pytest.raises(RewriteError):
        ConsentEvent.objects.bulk_update([event], ["source"])
    assert ConsentEvent.objects.get(pk=event.pk).source == "newsletter form"


def test_unsubscribing_withdraws_and_suppresses_once(thandi: Contact) -> None:
    assert unsubscribe(thandi, Channel.EMAIL, source="page", actor="recipient") is True
    assert unsubscribe(thandi, Channel.EMAIL, source="page", actor="recipient") is False

    suppression = Suppression.objects.get()
    assert (suppression.address_hash, suppression.reason) == (thandi.email_hash, "unsubscribed")
    assert states(thandi) == ["granted", "withdrawn"]
    assert AuditEntry.objects.filter(verb="contact.unsubscribed").count() == 1


def test_resubscribing_takes_back_the_persons_own_wish(thandi: Contact) -> None:
    unsubscribe(thandi, Channel.EMAIL, source="page", actor="recipient")

    changed = resubscribe(thandi, Channel.EMAIL, source="page", wording="Again", actor="recipient")

    assert changed is True
    assert Suppression.objects.count() == 0
    assert states(thandi) == ["granted", "withdrawn", "granted"]


def test_resubscribing_does_not_lift_a_complaint(thandi: Contact) -> None:
    suppress_address(
        Channel.EMAIL, thandi.email_hash, reason=SuppressionReason.COMPLAINED, actor="system"
    )

    resubscribe(thandi, Channel.EMAIL, source="page", wording="Again", actor="recipient")

    assert Suppression.objects.get().reason == "complained"


def test_an_address_is_suppressed_once_and_staff_can_lift_it(thandi: Contact) -> None:
    def suppress() -> bool:
        return suppress_address(
            Channel.EMAIL, thandi.email_hash, reason=SuppressionReason.MANUAL, actor="staff:alice"
        )

    assert [suppress(), suppress()] == [True, False]
    suppression = Suppression.objects.get()
    assert lift_suppression(suppression, actor="staff:alice") is True
    assert lift_suppression(suppression, actor="staff:alice") is False
    verbs = AuditEntry.objects.filter(verb__startswith="address.").values_list("verb", flat=True)
    assert sorted(verbs) == ["address.suppressed", "address.unsuppressed"]
