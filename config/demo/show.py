"""Watching the demo's campaign: a live line, a killed worker, and an account of every message at the end."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from campaigns.models import Campaign
from campaigns.states import UNDER_WAY, Status
from jobs.models import Run, WorkerProcess
from jobs.states import RunStatus
from messaging.models import Message, SandboxMessage
from messaging.states import MessageStatus
from messaging.streams import tally

LOOK_SECONDS = 0.2
LOG_SECONDS = 2.0
KILL_AT = 0.4
GIVE_UP_SECONDS = 120.0


@dataclass(frozen=True)
class Account:
    """What became of everybody, by our ledger and by the provider's."""

    recipients: int
    sent: int
    skipped: dict[str, int]
    lost: int
    doubled: int
    seconds: float
    was_killed: bool
    is_finished: bool

    @property
    def is_good(self) -> bool:
        return self.is_finished and self.was_killed and not self.lost and not self.doubled


def watch(campaign: Campaign) -> Account:
    """Show the campaign until it is over; kill one busy worker on the way."""
    start = time.monotonic()
    was_killed = False
    assert campaign.stream is not None
    pace = LOOK_SECONDS if sys.stdout.isatty() else LOG_SECONDS
    with tqdm(desc="Sending", unit=" messages", file=sys.stdout, mininterval=pace) as bar:
        while campaign.status in UNDER_WAY and time.monotonic() - start < GIVE_UP_SECONDS:
            time.sleep(LOOK_SECONDS)
            campaign.refresh_from_db()
            now = tally(campaign.stream)
            bar.total = now.total - now.skipped or None
            if bar.total:
                bar.update(now.sent - bar.n)
            if not was_killed and bar.total and now.sent > KILL_AT * bar.total:
                was_killed = kill_a_busy_worker(bar)
    return account_of(campaign, seconds=time.monotonic() - start, was_killed=was_killed)


def kill_a_busy_worker(bar: tqdm[Any]) -> bool:
    """Kill -9 the process that is sending, if one is in the middle of it; say so."""
    driving = Run.objects.filter(workflow="messaging.deliver", status=RunStatus.RUNNING)
    process = WorkerProcess.objects.filter(pk__in=driving.values("worker_id")).first()
    if process is None:
        return False
    os.kill(process.pid, signal.SIGKILL)
    bar.write(f"Killed worker process {process.pid} (kill -9) in the middle of its work.")
    return True


def account_of(campaign: Campaign, *, seconds: float, was_killed: bool) -> Account:
    """Compare the two ledgers: whom we count as sent, and what the provider took."""
    assert campaign.stream is not None
    now = tally(campaign.stream)
    ours = Message.objects.filter(stream=campaign.stream)
    sent = {message.public_id for message in ours.filter(status=MessageStatus.SENT)}
    names = {message.public_id for message in ours.only("id")}
    taken = Counter(
        name for name in SandboxMessage.objects.values_list("message", flat=True) if name in names
    )
    return Account(
        recipients=now.total,
        sent=now.sent,
        skipped={reason: count for reason, count in now.reasons.items() if count},
        lost=len(sent - taken.keys()) + now.total - now.sent - now.skipped,
        doubled=sum(count - 1 for count in taken.values()),
        seconds=seconds,
        was_killed=was_killed,
        is_finished=campaign.status == Status.SENT,
    )


def tell(account: Account) -> None:
    """Print the account."""
    reasons = ", ".join(
        f"{count} {why.replace('_', ' ')}" for why, count in account.skipped.items()
    )
    lines = {
        "Recipients": f"{account.recipients:,}",
        "Sent": f"{account.sent:,}",
        "Skipped": f"{sum(account.skipped.values()):,}  ({reasons})",
        "Lost": f"{account.lost:,}",
        "Duplicates": f"{account.doubled:,}",
        "Seconds": f"{account.seconds:.1f}",
        "Worker killed": "yes, and its work was resumed" if account.was_killed else "no",
    }
    for name, value in lines.items():
        print(f"  {name:<14} {value}")  # noqa: T201 - this is what the demo is for
