"""What providers told becomes the lives of messages, in whatever order it came; nothing is lost."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse

from core import clock
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging import lives
from messaging.actions.people import update_contact
from messaging.life import Stage
from messaging.models import (
    Consent,
    ConsentEvent,
    EventReader,
    Message,
    ProviderEvent,
    StreamHour,
    Suppression,
)
from messaging.webhooks import applying
from messaging.workflows import tend_lanes
from tests.fakes.webhooks import (
    Posted,
    bounce,
    resend_event,
    signed_by_resend,
    signed_by_twilio,
    status_callback,
)

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)


def told(message: Message, kind: str, *, at: datetime | None = None, **parts: Any) -> Posted:
    event = resend_event(
        kind, message=message.public_id, to=message.address, created_at=at, **parts
    )
    return signed_by_resend(event)


def hear(*posted: Posted) -> None:
    """Post all of it, and let the reader read."""
    for each in posted:
        assert each.send().status_code == 204
    read()


def read() -> None:
    run_until_idle(advance=True)
    assert not ProviderEvent.objects.unapplied().exists()
    assert not Run.objects.filter(error__isnull=False).exists()


def test_each_kind_sets_its_own_moment(messages: list[Message]) -> None:
    first, second, third = messages
    with clock.travel(to=NOON + timedelta(hours=5)):
        hear(
            told(first, "email.clicked", at=NOON + timedelta(minutes=3)),
            told(first, "email.delivered", at=NOON),
            told(first, "email.opened", at=NOON + timedelta(minutes=2)),
            told(first, "email.sent", at=NOON),
            told(second, "email.sent", at=NOON),
            told(third, "email.failed", at=NOON, failed={"reason": "reached_daily_quota"}),
        )

    for message in messages:
        message.refresh_from_db()
    assert [each.delivery for each in messages] == ["clicked", "sent", ""]
    assert (first.delivered_at, first.clicked_at) == (NOON, NOON + timedelta(minutes=3))
    assert first.opened_at == NOON + timedelta(minutes=2)
    assert (third.failed_at, third.trouble) == (NOON, "failed: reached_daily_quota")
    assert [each.status for each in messages] == ["sent"] * 3


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_their_coming_changes_nothing(messages: list[Message], seed: int) -> None:
    kinds = ["sent", "delivered", "opened", "opened", "complained"]
    with clock.travel(to=NOON + timedelta(hours=1)):
        events = [
            told(message, f"email.{kind}", at=NOON + timedelta(minutes=minute))
            for minute, kind in enumerate(kinds)
            for message in messages
        ]
        random.Random(seed).shuffle(events)
        hear(*events[:6])
        hear(*events[6:], *events)

    expected = (
        "opened",
        "complained",
        NOON + timedelta(minutes=1),
        NOON + timedelta(minutes=2),
        NOON + timedelta(minutes=4),
    )
    columns = ("delivery", "trouble", "delivered_at", "opened_at", "complained_at")
    assert list(Message.objects.values_list(*columns)) == [expected] * 3


def test_counts_by_hour_add_up_to_the_ledger(messages: list[Message]) -> None:
    stream = messages[0].stream
    with clock.travel(to=NOON + timedelta(hours=9)):
        hear(
            told(messages[0], "email.opened", at=NOON + timedelta(hours=2)),
            told(messages[1], "email.opened", at=NOON),
        )
        hear(told(messages[0], "email.opened", at=NOON + timedelta(minutes=50)))

    by_hour = StreamHour.objects.exclude(count=0).values_list("stage", "hour__hour", "count")
    assert list(by_hour) == [("opened", 12, 2)]
    assert lives.counts([stream])[Stage.OPENED] == 2
    assert lives.counts([stream])[Stage.BOUNCED] == 0


def test_a_permanent_bounce_closes_the_address_that_bounced(messages: list[Message]) -> None:
    message = messages[0]
    bounced_hash = message.contact.email_hash
    update_contact(message.contact, email="thandi@example.com", actor="system")

    hear(told(message, "email.bounced", bounce=bounce("Permanent", "NoEmail")))

    suppression = Suppression.objects.get()
    assert (suppression.channel, suppression.address_hash) == ("email", bounced_hash)
    assert (suppression.reason, suppression.source) == ("bounced", "resend email.bounced")
    assert Message.objects.get(pk=message.pk).trouble == "bounced: Permanent, NoEmail"
    assert Consent.objects.filter(state="withdrawn").count() == 0


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_another_bounce_closes_nothing(messages: list[Message], kind: str) -> None:
    hear(told(messages[0], "email.bounced", bounce=bounce(kind, "MailboxFull")))

    assert Suppression.objects.count() == 0
    assert Message.objects.get(pk=messages[0].pk).bounced_at is not None


def test_a_complaint_closes_the_address_and_withdraws_consent(messages: list[Message]) -> None:
    hear(told(messages[0], "email.complained"))

    event = ConsentEvent.objects.get()
    assert Suppression.objects.get().reason == "complained"
    assert (event.contact, event.state) == (messages[0].contact, "withdrawn")
    assert (event.source, event.actor) == ("resend email.complained", "recipient")


def test_an_unknown_kind_is_kept_and_stands_at_its_message(messages: list[Message]) -> None:
    hear(
        told(messages[0], "email.teleported"),
        signed_by_resend({"type": "domain.updated", "data": None}),
    )

    first, second = ProviderEvent.objects.order_by("id")
    assert (first.note, first.message) == ("a kind that we do not know", messages[0])
    assert (second.note, second.message) == ("a kind that we do not know", None)
    assert first.applied_at is not None


def test_a_delay_is_noted_and_changes_nothing(messages: list[Message]) -> None:
    hear(told(messages[0], "email.delivery_delayed"))

    event = ProviderEvent.objects.get()
    assert (event.note, event.message) == ("", messages[0])
    assert lives.life_of(Message.objects.get(pk=messages[0].pk)).moments == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"message": "msg_zzzzzzzzzzzz"},
        {"message": "msg_zzzzzzzzzzzzzzzzzzz"},
        {"message": "nonsense"},
        {"to": "somebody.else@example.com"},
    ],
)
def test_an_event_of_another_installation_moves_no_life(
    messages: list[Message], changes: dict[str, str]
) -> None:
    given = {"message": messages[0].public_id, "to": messages[0].address, **changes}
    hear(signed_by_resend(resend_event("email.complained", **given)))

    assert ProviderEvent.objects.get().note == "no message of ours"
    assert Message.objects.filter(complained_at=None).count() == 3
    assert Suppression.objects.count() == 0


def test_without_our_tag_the_providers_id_finds_the_message(messages: list[Message]) -> None:
    Message.objects.filter(pk=messages[1].pk).update(provider_id="5676-id")
    event = resend_event("email.delivered", email_id="5676-id", to=messages[1].address)

    hear(signed_by_resend(event))

    assert [m.delivery for m in Message.objects.order_by("id")] == ["", "delivered", ""]


@pytest.mark.parametrize(
    "event",
    [
        {"type": "email.delivered"},
        {"type": "email.delivered", "data": []},
        {"type": "email.bounced", "data": {"bounce": "?", "tags": [7], "to": 5, "email_id": {}}},
        {"type": "email.opened", "created_at": "yesterday", "data": {"tags": {"message": 9}}},
        {"type": "email.opened", "data": {"email_id": "\ud800\u0000"}},
        {"type": "email.opened", "created_at": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_a_misshapen_event_stops_no_other(messages: list[Message], event: dict[str, Any]) -> None:
    hear(signed_by_resend_ascii(event), told(messages[0], "email.delivered"))

    assert Message.objects.get(pk=messages[0].pk).delivery == "delivered"
    assert ProviderEvent.objects.exclude(note="").count() == 1


def test_an_event_that_cannot_be_read_any_more_stops_no_other(
    messages: list[Message], client_of: Any, bob: Any
) -> None:
    unreadable = ProviderEvent.objects.create(
        source="resend", dedupe_key="msg_deep", kind="email.opened", body='{"x": ' + "[" * 90_000
    )

    hear(told(messages[0], "email.delivered"))

    assert Message.objects.get(pk=messages[0].pk).delivery == "delivered"
    unreadable.refresh_from_db()
    assert unreadable.note == "The body is not JSON."
    page = reverse("admin:messaging_providerevent_change", args=[unreadable.pk])
    assert client_of(bob).get(page).status_code == 200


def signed_by_resend_ascii(event: dict[str, Any]) -> Posted:
    return signed_by_resend(json.dumps(event).encode())


def test_a_moment_to_come_is_the_moment_of_hearing(messages: list[Message]) -> None:
    with clock.travel(to=NOON):
        hear(told(messages[0], "email.opened", at=NOON + timedelta(days=400)))

    assert Message.objects.get(pk=messages[0].pk).opened_at == NOON


def test_a_status_callback_names_its_message(messages: list[Message]) -> None:
    path = f"/webhooks/twilio/status?m={messages[0].public_id}&a=1"
    sid = "SM" + "b" * 32
    to = {"To": messages[0].address}
    hear(
        signed_by_twilio(path, status_callback("undelivered", sid=sid, ErrorCode="30003", **to)),
        signed_by_twilio(path, status_callback("sent", sid=sid, **to)),
    )

    message = Message.objects.get(pk=messages[0].pk)
    assert (message.delivery, message.trouble) == (
        "sent",
        "failed: 30003, the telephone cannot be reached",
    )
    assert Suppression.objects.count() == 0


def test_a_burst_is_read_by_one_run(messages: list[Message]) -> None:
    hear(*(told(message, "email.opened") for message in messages * 3))

    assert Run.objects.filter(workflow="messaging.apply_events").count() == 1
    assert EventReader.objects.get().run is None


def test_what_comes_while_the_reader_naps_is_read_by_the_same_run(messages: list[Message]) -> None:
    told(messages[0], "email.opened").send()
    run_until_idle()
    told(messages[1], "email.opened").send()
    read()

    assert Run.objects.filter(workflow="messaging.apply_events").count() == 1
    assert lives.counts([messages[0].stream])[Stage.OPENED] == 2


def test_who_rests_is_woken_by_the_next(messages: list[Message]) -> None:
    hear(told(messages[0], "email.opened"))
    hear(told(messages[1], "email.opened"))

    assert Run.objects.filter(workflow="messaging.apply_events").count() == 2
    assert lives.counts([messages[0].stream])[Stage.OPENED] == 2


def test_a_reader_that_died_is_replaced_by_the_next_event(messages: list[Message]) -> None:
    told(messages[0], "email.opened").send()
    Run.objects.update(status="failed")

    hear(told(messages[1], "email.opened"))

    assert lives.counts([messages[0].stream])[Stage.OPENED] == 2


def test_a_reader_that_died_is_replaced_within_a_minute(messages: list[Message]) -> None:
    told(messages[0], "email.opened").send()
    Run.objects.filter(workflow="messaging.apply_events").update(status="failed")

    assert tend_lanes(None) == 1  # type: ignore[arg-type]
    run_until_idle(advance=True)
    assert lives.counts([messages[0].stream])[Stage.OPENED] == 1


def test_nothing_is_left_when_the_lease_is_lost(messages: list[Message]) -> None:
    told(messages[0], "email.complained").send()

    def prove() -> None:
        raise RuntimeError("held by another")

    with pytest.raises(RuntimeError):
        applying.apply_next(prove)
    assert ProviderEvent.objects.unapplied().count() == 1
    assert Suppression.objects.count() == 0
    assert StreamHour.objects.count() == 0


def test_what_a_provider_tells_of_a_doubtful_message_clears_the_doubt(
    messages: list[Message],
) -> None:
    message = messages[0]
    Message.objects.filter(pk=message.pk).update(
        status="in_doubt", reason="key_expired", provider_id=""
    )

    hear(told(message, "email.delivered", email_id="proof-of-it"))

    message.refresh_from_db()
    assert (message.status, message.reason, message.provider_id) == ("sent", "", "proof-of-it")
    assert message.delivery == "delivered"
