"""How far a run has come, for the people who watch: written at most twice a second, and at the end."""

from __future__ import annotations

import time

from django.db import transaction

from jobs import checkpoints
from jobs.checkpoints import StepRecord
from jobs.leases import Lease
from jobs.models import Run
from jobs.states import RunStatus

SECONDS_BETWEEN = 0.5


class Reporter:
    """Writes progress of one run under its lease; a report that comes too soon is dropped."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._next = 0.0

    def report(self, done: int, total: int | None, text: str, *, step: StepRecord | None) -> None:
        is_last = total is not None and done >= total
        if time.monotonic() < self._next and not is_last:
            return
        self._next = time.monotonic() + SECONDS_BETWEEN
        with transaction.atomic():
            if step is not None:
                step.progress_done, step.progress_total, step.progress_text = done, total, text
                checkpoints.save(self._lease, step)
            Run.objects.filter(
                pk=self._lease.run_id, epoch=self._lease.epoch, status=RunStatus.RUNNING
            ).update(progress_done=done, progress_total=total, progress_text=text[:200])
