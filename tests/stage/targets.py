"""A paced target whose calls leave a line each, so that none can be made twice unseen."""

from __future__ import annotations

import time
from typing import Any

from imports.states import Effect
from imports.targets import Field, Job, PacedTarget, Record
from tests.stage.models import Effect as Trace
from tests.stage.workflows import write_down


class Stage(PacedTarget):
    """Writes down each call, takes a moment over it, and leaves one row per saved answer."""

    name = "stage"
    title = "Stage rows"
    permission = "imports.add_csvbatch"
    match_keys = ("name",)
    fields = (Field(name="name", label="name", parse=lambda text, options: text.strip()),)
    pause_seconds = 0.05

    def call(self, record: Record, *, job: Job, key: str) -> Any:
        write_down(f"begin|{record.key}")
        time.sleep(0.02)
        write_down(f"end|{record.key}")
        return f"answer to {record.key}"

    def save(self, record: Record, answer: Any, *, job: Job) -> tuple[Effect, str]:
        Trace.objects.create(run=job.public_id, step=record.key, point=answer)
        time.sleep(0.01)  # so that a kill can fall between the effect and its commit
        return Effect.CREATED, record.key
