"""The loop of a lane: finish what was begun, then cut, mark, call and settle until nothing is left.

The provider is called outside any transaction, after the bytes, the key and the attempt are committed.
So a crash at any point leaves either a batch that was never attempted, or one that is sent again byte
for byte under its own key; or, at a provider that keeps no keys, one message that is looked up (see `doubts`).
"""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Sequence

from core import clock
from core.ids import decode
from jobs.context import RunContext
from messaging import batches, doubts, lanes, ledger
from messaging.cutting import cut_batch
from messaging.models import SendBatch, Sender
from messaging.providers.base import BatchAnswer, Keyless, ProviderOutcome
from messaging.providers.registry import provider_of
from messaging.settlement import park, settle
from messaging.states import BatchStatus, Reason

#: A lane gives its worker to others after so long.
TURN_SECONDS = 5.0
#: A batch in doubt holds its lane for so many attempts (about a minute); then others go first.
PATIENCE = 6
#: With so many batches in doubt a lane begins no more: the provider is down.
MOST_IN_DOUBT = 3
#: A lane that only waits for a batch in doubt looks for new work this often.
LOOK_SECONDS = 30.0


class Delivery:
    """One turn of a lane."""

    def __init__(self, run: RunContext, *, sender: Sender, slot: int) -> None:
        self.run = run
        self.run_id = uuid.UUID(int=decode("run", run.id))
        self.sender = sender
        self.slot = slot
        self.provider = provider_of(sender)
        self.turn_ends = time.monotonic() + TURN_SECONDS

    def go(self) -> None:
        """Deliver until nothing is left; leaves by snoozing when the turn is over or there is a wait."""
        if self.sender.is_paused:
            lanes.let_go(self.sender, slot=self.slot, run_id=self.run_id)
            return
        if not lanes.is_held(self.sender, slot=self.slot, run_id=self.run_id):
            return
        ledger.release_due(self.sender.pk)
        self._finish_what_was_begun()
        while self._cut_and_hand_over():
            pass
        waiting = self._waiting()
        if waiting:
            self.run.snooze(min(_seconds_until_due(waiting), LOOK_SECONDS))
        if not lanes.let_go(self.sender, slot=self.slot, run_id=self.run_id):
            self.run.snooze(lanes.GATHER_SECONDS)

    def _cut_and_hand_over(self) -> bool:
        """Deliver one batch; False where fewer were pending than go at once: what comes meanwhile may gather."""
        if time.monotonic() > self.turn_ends:
            self.run.snooze()
        cut = cut_batch(
            self.run,
            sender=self.sender,
            run_id=self.run_id,
            most=self.provider.most_at_once,
        )
        if cut.wait:
            self.run.snooze(cut.wait)
        if cut.batch:
            self._hand_over(cut.batch)
        return cut.is_full

    def _finish_what_was_begun(self) -> None:
        """Resolve the batches of this run and those that dead runs left, as far as they are due."""
        begun = batches.take_over(self.sender, run_id=self.run_id)
        for batch in begun:
            if not _is_waiting(batch):
                self._resume(batch)
        waiting = self._waiting() if begun else []
        if self._is_worth_waiting(waiting) or len(waiting) >= MOST_IN_DOUBT:
            self.run.snooze(_seconds_until_due(waiting))

    def _waiting(self) -> list[SendBatch]:
        """Return what this run must bring to an end, and may not touch yet."""
        return list(filter(_is_waiting, batches.begun_by(self.run_id, sender=self.sender)))

    def _is_worth_waiting(self, waiting: Sequence[SendBatch]) -> bool:
        """Whether the lane stands still for a batch in doubt; a look-up takes minutes, so nobody waits for it."""
        if isinstance(self.provider, Keyless):
            return False
        return any(batch.attempts < PATIENCE for batch in waiting)

    def _resume(self, batch: SendBatch) -> None:
        """Go on with a batch: never again after its key may have expired, never if somebody withdrew."""
        is_in_doubt = batch.status == BatchStatus.ATTEMPTED
        if is_in_doubt and isinstance(self.provider, Keyless):
            if doubts.clear_up(self.run, batch, provider=self.provider):
                self._hand_over(batch)
        elif batch.is_expired:
            problem = "It was first attempted more than 23 hours ago, and no answer ever came."
            park(self.run, batch, reason=Reason.KEY_EXPIRED, problem=problem)
        elif batch.status == BatchStatus.FROZEN and not batches.is_still_wanted(batch):
            batches.dissolve([batch.pk])
        else:
            self._hand_over(batch)

    def _hand_over(self, batch: SendBatch) -> None:
        """Mark, call, settle; then the halves, where the provider refused the whole: people are asked about anew."""
        queue = deque([batch])
        while queue:
            batch = queue.popleft()
            if not batches.mark_attempted(batch):
                batches.dissolve([batch.pk])
                continue
            started_at = clock.now()
            outcome = self._call(batch)
            then = settle(self.run, batch, outcome, started_at=started_at)
            queue.extendleft(reversed(then.halves))
            if then.wait:
                self.run.snooze(then.wait)
            while queue and not batches.is_still_wanted(queue[0]):
                batches.dissolve([queue.popleft().pk])

    def _call(self, batch: SendBatch) -> BatchAnswer | ProviderOutcome:
        try:
            return self.provider.send_batch(batch.payload, key=batch.key, attempt=batch.attempts)
        except ProviderOutcome as outcome:
            return outcome


def _is_waiting(batch: SendBatch) -> bool:
    return batch.next_attempt_at is not None and batch.next_attempt_at > clock.now()


def _seconds_until_due(waiting: Sequence[SendBatch]) -> float:
    first = min(batch.next_attempt_at for batch in waiting if batch.next_attempt_at)
    return max(0.0, (first - clock.now()).total_seconds())
