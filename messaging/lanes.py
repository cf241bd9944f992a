"""Lanes: runs of `messaging.deliver`, so many per sender, started when there is work.

No wake-up is lost between a writer and a lane that goes to rest: both take the lane's row lock, the
writer after it has written its messages. So either it finds the lane at rest and starts it, or the lane,
about to rest, finds the messages. (On SQLite every transaction excludes the others.)
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from core import clock
from jobs.models import Run
from jobs.starting import start_run
from messaging import ledger
from messaging.batches import left_behind
from messaging.models import Lane, Sender
from messaging.states import SenderStatus

#: So long messages gather that are written one by one, before a lane takes all of them at once: a turn of a lane costs
#: about the same for one message as for a hundred.
GATHER_SECONDS = 0.5


def ensure_lanes(sender: Sender, *, after: float = 0) -> int:
    """Start the lanes of a sender that are at rest, in the caller's transaction, to begin after so many seconds.

    Return how many.
    """
    lanes = _locked(sender)
    if len(lanes) < sender.lanes:
        slots = [Lane(sender=sender, slot=slot) for slot in range(sender.lanes)]
        Lane.objects.bulk_create(slots, ignore_conflicts=True)
        lanes = _locked(sender)
    runs = Run.objects.active().filter(pk__in=[lane.run_id for lane in lanes if lane.run_id])
    alive = set(runs.values_list("pk", flat=True))
    resting = [lane for lane in lanes if lane.run_id not in alive]
    for lane in resting:
        _start(lane, after=after)
    return len(resting)


def are_at_work(sender: Sender) -> bool:
    """Whether a lane of a sender is awake; none starts before the caller's transaction ends."""
    lanes = Lane.objects.select_for_update().filter(sender=sender).order_by("slot")
    runs = [lane.run_id for lane in lanes if lane.run_id]
    return Run.objects.active().filter(pk__in=runs).exists()


def is_held(sender: Sender, *, slot: int, run_id: uuid.UUID) -> bool:
    """Whether this run is still the one of its lane, and the lane is still wanted."""
    lane = Lane.objects.filter(sender=sender, slot=slot, run=run_id)
    return lane.filter(slot__lt=F("sender__lanes")).exists()


def nudge(sender: Sender) -> bool:
    """Have the lanes of a sender started soon, unless one is awake; to be called once what was written is committed.

    It takes no lock while a lane is awake, so that thousands who write do not queue for one row. No wake-up is lost: a
    lane that goes to rest commits that, and then looks once more. Whoever dies before this call is found by `tend`.
    """
    awake = Lane.objects.filter(sender=sender, run__in=Run.objects.active())
    if awake.exists():
        return False
    with transaction.atomic():
        return ensure_lanes(sender, after=GATHER_SECONDS) > 0


def let_go(sender: Sender, *, slot: int, run_id: uuid.UUID) -> bool:
    """Put a lane to rest; False where there is work after all, and the lane goes on."""
    if not _rest(sender, slot=slot, run_id=run_id):
        return False
    if ledger.open_streams(sender.pk):
        nudge(sender)
    return True


@transaction.atomic
def _rest(sender: Sender, *, slot: int, run_id: uuid.UUID) -> bool:
    lane = Lane.objects.select_for_update().filter(sender=sender, slot=slot, run=run_id).first()
    if lane is None:
        return True
    if _has_work(sender):
        return False
    Lane.objects.filter(pk=lane.pk).update(run=None)
    set_alarm(sender)
    return True


def tend() -> int:
    """Start the lanes of senders with work that nobody does: their runs died, or its time has come; return how many."""
    return sum(wake(sender) for sender in Sender.objects.filter(status=SenderStatus.ACTIVE))


@transaction.atomic
def wake(sender: Sender) -> int:
    """Start the lanes of a sender if there is work for them; return how many."""
    if _has_work(sender) or left_behind(sender).exists():
        return ensure_lanes(sender)
    return 0


def set_alarm(sender: Sender) -> None:
    """Have the lanes woken when the next message, or the sender itself, may go on; one alarm per moment.

    `messaging.tend_lanes` would find it too, up to a minute late.
    """
    at = _next_moment(sender)
    if at:
        set_alarm_at(sender, at)


def set_alarm_at(sender: Sender, at: datetime) -> None:
    """Have the lanes of a sender woken at a moment, once."""
    start_run(
        "messaging.wake",
        input={"sender": sender.public_id},
        idempotency_key=f"{sender.public_id}/{at.isoformat()}",
        due_at=at,
    )


def _next_moment(sender: Sender) -> datetime | None:
    sender.refresh_from_db(fields=["not_before"])
    if sender.not_before and sender.not_before > clock.now():
        return sender.not_before
    return ledger.next_release(sender.pk)


def _has_work(sender: Sender) -> bool:
    return bool(ledger.release_due(sender.pk) or ledger.open_streams(sender.pk))


def _locked(sender: Sender) -> list[Lane]:
    lanes = Lane.objects.select_for_update().filter(sender=sender, slot__lt=sender.lanes)
    return list(lanes.order_by("slot"))


def _start(lane: Lane, *, after: float) -> None:
    lane.run = start_run(
        "messaging.deliver",
        input={"sender": lane.sender.public_id, "slot": lane.slot},
        due_at=clock.now() + timedelta(seconds=after) if after else None,
    )
    lane.save(update_fields=["run"])
