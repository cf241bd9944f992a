"""The sandbox keeps what a provider would have delivered, once per key."""

from __future__ import annotations

import pytest

from messaging import payloads
from messaging.models import SandboxMessage
from messaging.providers.base import KeyConflict
from messaging.providers.sandbox import SandboxProvider

pytestmark = pytest.mark.django_db

PAYLOAD = payloads.encode(
    [
        {
            "from": "News <news@longhaul.test>",
            "to": [f"{name}@example.com"],
            "subject": "Hello",
            "html": "<p>Hello</p>",
            "text": "Hello",
            "headers": {"List-Unsubscribe": "<https://x/u/1>"},
            "tags": [{"name": "message", "value": f"msg_{name}"}],
        }
        for name in ("alice", "bob")
    ]
)


def test_it_keeps_every_message_whole():
    answer = SandboxProvider().send_batch(PAYLOAD, key="k1")

    alice, bob = SandboxMessage.objects.order_by("position")
    assert answer.accepted == {0: f"sandbox-{alice.pk}", 1: f"sandbox-{bob.pk}"}
    assert (alice.message, alice.recipient, alice.subject) == (
        "msg_alice",
        "alice@example.com",
        "Hello",
    )
    assert (bob.html, bob.text) == ("<p>Hello</p>", "Hello")
    assert bob.headers == {"List-Unsubscribe": "<https://x/u/1>"}


def test_the_same_key_answers_the_same_and_keeps_nothing_more():
    first = SandboxProvider().send_batch(PAYLOAD, key="k1")

    assert SandboxProvider().send_batch(PAYLOAD, key="k1") == first
    assert SandboxMessage.objects.count() == 2


def test_another_content_under_a_used_key_is_a_conflict():
    SandboxProvider().send_batch(PAYLOAD, key="k1")

    with pytest.raises(KeyConflict):
        SandboxProvider().send_batch(PAYLOAD.replace(b"Hello", b"Other"), key="k1")
    assert set(SandboxMessage.objects.values_list("subject", flat=True)) == {"Hello"}
