"""Constants that stand in the statement, so that partial indexes are used."""

from __future__ import annotations

import pytest

from core.sql import Literal
from jobs.models import Run
from messaging.models import Message

PARTIAL = [
    (Message.objects.due().filter(stream="0" * 32).in_order(), "message_next"),
    (
        Run.objects.filter(status=Literal("waiting"), due_at__isnull=False).order_by("due_at"),
        "run_due",
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("rows", "index"), PARTIAL, ids=["message_next", "run_due"])
def test_a_query_by_a_literal_status_is_answered_from_its_partial_index(rows, index):
    assert index in rows.explain()


@pytest.mark.parametrize("word", ["it's", "a b", "", "x; DROP", "1"])
def test_only_plain_words_are_written_into_statements(word):
    with pytest.raises(ValueError, match="not a plain word"):
        Literal(word)
