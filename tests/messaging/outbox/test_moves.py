"""The tables of moves are whole, and the database knows the words."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction

from core.errors import NotFound
from messaging.models import Message, SendBatch
from messaging.states import BATCH_MOVES, MESSAGE_MOVES, BatchStatus, MessageStatus
from tests.messaging.outbox.making import make_stream


def test_every_status_has_its_moves():
    assert set(MESSAGE_MOVES) == set(MessageStatus)
    assert set(BATCH_MOVES) == set(BatchStatus)


def test_what_is_sent_failed_or_skipped_never_moves_again():
    ended = {status for status, moves in MESSAGE_MOVES.items() if not moves}
    assert ended == {MessageStatus.SENT, MessageStatus.FAILED, MessageStatus.SKIPPED}


def test_an_attempted_batch_is_never_pending_again_unless_nothing_was_taken():
    assert MessageStatus.PENDING not in MESSAGE_MOVES[MessageStatus.SENT]
    assert BatchStatus.DISSOLVED not in BATCH_MOVES[BatchStatus.SETTLED]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "nonsense",
    [
        {"status": "gone"},
        {"status": "skipped", "reason": ""},
        {"status": "in_doubt", "reason": ""},
        {"status": "sending"},
    ],
    ids=str,
)
def test_the_database_refuses_a_message_that_cannot_be(nonsense, sandbox):
    make_stream(sandbox, people=1)

    with pytest.raises(IntegrityError), transaction.atomic():
        Message.objects.update(**nonsense)
    assert Message.objects.get().status == "pending"


@pytest.mark.django_db
def test_a_payload_that_was_tampered_with_does_not_come_out(sandbox):
    batch = SendBatch(sender=sandbox, count=1, key="k")
    batch.payload = b'[{"to":"alice"}]'
    assert batch.payload == b'[{"to":"alice"}]'

    other = SendBatch()
    other.payload = b'[{"to":"bob"}]'
    batch.compressed = other.compressed
    with pytest.raises(Exception, match="does not hold the bytes that were frozen"):
        batch.payload  # noqa: B018


@pytest.mark.django_db
def test_a_message_is_found_by_its_public_id(sandbox):
    make_stream(sandbox, people=1)
    message = Message.objects.get()

    assert Message.from_public_id(message.public_id) == message
    for unknown in ("msg_zzz", "con_1", "msg_", "msg_" + "z" * 26):
        with pytest.raises(NotFound):
            Message.from_public_id(unknown)
