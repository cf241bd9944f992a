"""What may go wrong, one function each: it does the harm and returns the seconds until all was well again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.chaos.arena import ALERT_ADDRESS, Arena
from bench.chaos.cast import Cast
from bench.chaos.postgres import Postgres

#: The provider's everyday: answers that are lost, calls that never arrive, and errors.
BAD_DAY = {"cut_rate": 0.03, "drop_rate": 0.02, "error_rate": 0.02, "slow_seconds": 0.02}
LANES = 4
#: So long a paused sender is watched: it must not call.
QUIET_SECONDS = 2.0
#: So long a supervisor that was started without a database is left to wait.
BOOT_SECONDS = 5.0
RESUME = (
    "from messaging.models import Sender\n"
    "from messaging.actions.senders import resume_sender\n"
    "resume_sender(Sender.objects.get(), actor='staff:alice')"
)
CUT_CONNECTIONS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True)
class Fault:
    """A trouble, and the seconds within which it must be healed."""

    name: str
    bar: float
    strike: Callable[[Arena, float], float]


# --- processes are killed --------------------------------------------------------------------------------------------


def busy_worker(arena: Arena, bar: float) -> float:
    """A worker somewhere in its work; well when another has taken up its run."""
    pid = arena.find(lambda cast: next(iter(cast.busy), 0))
    try:
        run, epoch = arena.run_of(pid)
    except ValueError:  # it has just finished: the next one, then
        return busy_worker(arena, bar)
    arena.shoot("busy worker", pid)
    return arena.seconds_until(lambda: arena.is_taken_up(run, after=epoch), bar=bar)


def between_acceptance_and_settlement(arena: Arena, bar: float) -> float:
    """A worker whose mail the provider has just taken, before it hears so."""
    run, epoch = arena.shoot_the_next_in_a_call("worker after acceptance")
    return arena.seconds_until(lambda: arena.is_taken_up(run, after=epoch), bar=bar)


def one_process(kind: str, whom: str) -> Callable[[Arena, float], float]:
    """One process of the cluster by its part; well when another plays it and a run started at that moment is done."""

    def part(cast: Cast) -> int:
        return int(getattr(cast, whom))

    def strike(arena: Arena, bar: float) -> float:
        pid = arena.find(part)
        arena.shoot(kind, pid)
        return arena.serves_again(bar=bar, is_whole=lambda: arena.is_replaced(part, pid))

    return strike


def idle_worker(arena: Arena, bar: float) -> float:
    """A worker that waits for work; well when the pool is whole and a run started at that moment is done."""
    arena.shoot("idle worker", arena.find(lambda cast: next(iter(cast.idle), 0)))
    return arena.serves_again(bar=bar, is_whole=arena.has_all_workers)


def supervisor(arena: Arena, bar: float) -> float:
    """The supervisor, and with it everything; started again at once, as systemd does."""
    arena.shoot("supervisor", arena.worker.pid)
    arena.start_worker_again()
    return arena.serves_again(bar=bar)


# --- the provider misbehaves -----------------------------------------------------------------------------------------


def storm(seconds: float, **weather: float) -> Callable[[Arena, float], float]:
    """So many seconds of bad weather; well when every batch that it put in doubt is settled."""

    def strike(arena: Arena, bar: float) -> float:
        usual = {name: getattr(arena.server.account.faults, name) for name in weather}
        arena.server.misbehave(**weather)
        time.sleep(seconds)
        arena.server.misbehave(**usual)
        return arena.settles_again(bar=bar)

    return strike


def quota_pauses(arena: Arena, bar: float) -> float:
    """The quota is used up: the sender pauses after one call per lane at most, and staff get mail that says why."""
    arena.server.misbehave(quota=0)
    took = arena.seconds_until(lambda: is_paused(arena) and is_alerted(arena), bar=bar)
    [(refused,)] = arena.theatre.rows(
        "SELECT count(*) FROM messaging_sendattempt WHERE outcome = 'sender_blocked'"
    )
    return took if refused <= LANES else float("inf")


def person_resumes(arena: Arena, bar: float) -> float:
    """The quota is there again and a person resumes the sender; well when the provider takes mail."""
    arena.server.misbehave(quota=None)
    time.sleep(
        QUIET_SECONDS
    )  # each lane may have had one call under way when the sender was paused
    before = arena.server.account.calls
    time.sleep(QUIET_SECONDS)
    assert arena.server.account.calls == before, "a paused sender called its provider"
    arena.theatre.manage("shell", "-v", "0", "-c", RESUME)
    return arena.seconds_until(arena.accepts_more(), bar=bar)


def is_paused(arena: Arena) -> bool:
    [(status, reason)] = arena.theatre.rows("SELECT status, paused_reason FROM messaging_sender")
    return status == "paused" and "daily_quota_exceeded" in reason


def is_alerted(arena: Arena) -> bool:
    mails = [path.read_text() for path in arena.mails.glob("*")]
    return any(ALERT_ADDRESS in mail and "daily_quota_exceeded" in mail for mail in mails)


# --- the database goes away ------------------------------------------------------------------------------------------


def connections_cut(arena: Arena, bar: float) -> float:
    """Every connection to the database is cut at once, as by a proxy that fails over (PostgreSQL)."""
    arena.theatre.rows(CUT_CONNECTIONS)
    return arena.serves_again(bar=bar) + arena.settles_again(bar=bar)


def database_restarts(postgres: Postgres, mode: str) -> Callable[[Arena, float], float]:
    """A restart under load; well when runs are served and every batch that was in doubt is settled."""

    def strike(arena: Arena, bar: float) -> float:
        postgres.restart(mode)
        return arena.serves_again(bar=bar) + arena.settles_again(bar=bar)

    return strike


def supervisor_without_database(postgres: Postgres) -> Callable[[Arena, float], float]:
    """The supervisor is killed and started again while there is no database: a machine that boots too early."""

    def strike(arena: Arena, bar: float) -> float:
        postgres.stop()
        arena.shoot("supervisor", arena.worker.pid)
        arena.start_worker_again()
        time.sleep(BOOT_SECONDS)
        assert arena.worker.poll() is None, "the supervisor did not wait for its database"
        postgres.start()
        return arena.serves_again(bar=bar) + arena.settles_again(bar=bar)

    return strike


def database_is_away(postgres: Postgres, seconds: float) -> Callable[[Arena, float], float]:
    """No database for longer than a frozen cluster would be borne with."""

    def strike(arena: Arena, bar: float) -> float:
        postgres.stop()
        time.sleep(seconds)
        postgres.start()
        return arena.serves_again(bar=bar) + arena.settles_again(bar=bar)

    return strike
