"""Real processes over one database that do their parts of something at the same moment, round after round.

Nothing of Django is imported before it is set up: each process begins afresh.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

SPREAD_SECONDS = 0.003

Half = Callable[[int, Callable[[], None]], Any]


def race(*halves: Half, rounds: int, environment: dict[str, str]) -> list[list[Any]]:
    """Let processes run against each other; return what each of them answered in each round."""
    fresh = multiprocessing.get_context("spawn")
    barrier = fresh.Barrier(len(halves))
    answers = fresh.Queue()
    before = dict(os.environ)
    os.environ.update(environment)
    try:
        processes = [
            fresh.Process(target=_run, args=(place, half, rounds, barrier, answers))
            for place, half in enumerate(halves)
        ]
        for process in processes:
            process.start()
    finally:
        os.environ.clear()
        os.environ.update(before)
    told = dict(answers.get(timeout=240) for _ in processes)
    for process in processes:
        process.join(20)
    return [told[place] for place in range(len(halves))]


def _run(place: int, half: Half, rounds: int, barrier: Any, answers: Any) -> None:
    import django

    django.setup()
    from jobs import heartbeat

    heartbeat.be_quiet()
    told = []

    def start() -> None:
        """Come together, then part by a little."""
        barrier.wait(120)
        time.sleep(random.uniform(0, SPREAD_SECONDS))

    for number in range(rounds):
        told.append(half(number, start))
        barrier.wait(120)
    answers.put((place, told))


def let_one_wait(number: int, start: Callable[[], None]) -> str:
    """Drive a run into its wait."""
    from jobs.actions import start_run
    from jobs.models import Run
    from jobs.testing import run_one

    run = start_run("stage.waits", input={"n": number})
    start()
    run_one()
    return str(Run.objects.get(pk=run.pk).status)


def send_one(number: int, start: Callable[[], None]) -> int:
    """Send the event, and let it take effect."""
    from jobs.events.dispatching import dispatch_new
    from jobs.events.sending import send_event

    start()
    send_event("stage.event", {"n": number})
    return dispatch_new()


def start_one_slowly(number: int, start: Callable[[], None]) -> None:
    """Start a run that the event is to cancel, in a transaction that is not committed when the event comes."""
    from django.db import transaction

    from jobs.actions import start_run
    from jobs.testing import run_one

    with transaction.atomic():
        start_run("stage.stands_by", input={"n": number})
        start()
    run_one()


def send_the_same(number: int, start: Callable[[], None]) -> tuple[str, bool]:
    """Send an event under an id that the other sends, too."""
    from jobs.events.sending import send_event

    start()
    event = send_event("stage.same", id=f"same-{number}")
    return event.public_id, event.is_duplicate


def dispatch_some(number: int, start: Callable[[], None]) -> int:
    """Let a few of many new events take effect."""
    from jobs.events.dispatching import dispatch_new

    start()
    return dispatch_new(limit=7)


def spend(number: int, start: Callable[[], None]) -> int:
    """Set 7 cents aside and spend 1 to 7 of them; return what was spent, in micro-dollars."""
    from core.errors import RetryAfter
    from enrichment import budgets

    cents = 1 + os.getpid() * 7919 % 7 if number % 2 else 1 + number % 7
    start()
    try:
        uses = budgets.reserve(budgets.Payer(run=f"run_{number}"), amount=70_000)
    except (budgets.BudgetExhausted, RetryAfter):
        return 0
    budgets.settle(uses, reserved=70_000, cost=cents * 10_000)
    return cents * 10_000


def ask_about_many(number: int, start: Callable[[], None]) -> int:
    """Ask about all clients of the round; return about how many, for whom nobody was faster."""
    from core.errors import Conflict
    from enrichment.actions.enhancing import enhance_many
    from enrichment.models import Client

    clients = list(Client.objects.filter(name__startswith=f"Round {number} "))
    random.shuffle(clients)
    start()
    try:
        return len(enhance_many(clients, actor="command:stage").input["clients"])
    except Conflict:
        return 0


def let_one_fall_asleep(number: int, start: Callable[[], None]) -> str | None:
    """Drive a run into its sleep until a moment that is being moved, and on once it is woken."""
    from jobs.actions import start_run
    from jobs.models import Bucket
    from jobs.testing import run_one, run_until_idle

    Bucket.objects.create(key=f"moment:{number}", arrival=4e9)
    start_run("stage.minds_a_moment", input={"n": number})
    start()
    word = run_one()
    run_until_idle()
    return word


def move_the_moment(number: int, start: Callable[[], None]) -> None:
    """Move the moment that a run may be just reading, and wake it."""
    from django.db import transaction

    from jobs.actions import wake_run
    from jobs.models import Bucket, Run
    from jobs.testing import run_until_idle

    start()
    with transaction.atomic():
        run = Run.objects.filter(workflow="stage.minds_a_moment").latest("id")
        Bucket.objects.filter(key=f"moment:{number}").update(arrival=3e9)
        wake_run(run)
    run_until_idle()


def gather_two(number: int, start: Callable[[], None]) -> None:
    """Send two events that are gathered, and drive whatever is due."""
    from jobs.events.sending import send_event
    from jobs.testing import run_until_idle

    start()
    for _ in range(2):
        send_event("stage.gathered", {"n": uuid.uuid4().int >> 80})
        run_until_idle()
