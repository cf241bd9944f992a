"""Rate limits by the database's clock: never more than allowed, whoever asks."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from jobs.limits import pause_key, take
from jobs.models import Bucket


@pytest.mark.django_db
def test_a_rest_allows_a_burst_and_then_the_rate():
    waits = [take("k", amount=1, per_second=0.5, burst=3) for _ in range(4)]

    assert waits[:3] == [0.0, 0.0, 0.0]
    assert 1.5 < waits[3] <= 2.0


@pytest.mark.django_db
def test_a_hundred_at_once_wait_for_the_time_of_a_hundred():
    assert take("k", amount=100, per_second=200, burst=100) == 0.0

    assert 0.4 < take("k", amount=100, per_second=200, burst=100) <= 0.5


@pytest.mark.django_db
def test_what_is_not_admitted_takes_nothing():
    take("k", amount=10, per_second=1, burst=10)
    before = Bucket.objects.get().arrival

    take("k", amount=10, per_second=1, burst=10)

    assert Bucket.objects.get().arrival == before


@pytest.mark.django_db
def test_keys_do_not_share_tokens():
    take("a", amount=10, per_second=1, burst=10)

    assert take("b", amount=10, per_second=1, burst=10) == 0.0


@pytest.mark.django_db
def test_a_paused_key_admits_nobody_and_no_later_pause_shortens_it():
    pause_key("k", seconds=60)
    pause_key("k", seconds=5)

    assert 58 < take("k", amount=1, per_second=100, burst=100) <= 60


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="threads need a database with many writers"
)
@pytest.mark.django_db(transaction=True)
def test_workers_that_ask_at_once_share_one_limit():
    admitted: list[float] = []

    def ask() -> None:
        answers = [take("k", amount=1, per_second=0.001, burst=30) for _ in range(20)]
        admitted.extend(answers)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert admitted.count(0.0) == 30
