"""Longhaul as the bench asks it: who starts its runs. Its workers are the product's own `manage.py worker`."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.engine.settings")
django.setup()

from django.db import transaction  # noqa: E402

from bench.engine.scenarios import serve_or_ask  # noqa: E402
from jobs.models import Run  # noqa: E402
from jobs.starting import start_run  # noqa: E402


class Ours:
    ended = (
        "SELECT count(*), extract(epoch from max(finished_at)) FROM jobs_run"
        " WHERE status = 'completed' AND workflow = 'bench.' || %(workflow)s"
    )

    def __init__(self, url: str) -> None:
        self.url = url

    def start(self, workflow: str, **input: Any) -> None:
        start_run(f"bench.{workflow}", input=input)

    def at_once(self) -> AbstractContextManager[Any]:
        return transaction.atomic()

    def outputs(self, workflow: str) -> list[Any]:
        done = Run.objects.filter(workflow=f"bench.{workflow}", status=Run.Status.COMPLETED)
        return list(done.order_by("id").values_list("output", flat=True))


if __name__ == "__main__":
    serve_or_ask(client=Ours)
