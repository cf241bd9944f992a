"""Are there workers? Reported by `/readyz`, and asked by commands that wait for a run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models.functions import Now

from jobs.leases import LEASE_SECONDS
from jobs.models import ProcessKind, WorkerProcess


def live_clusters() -> int:
    """Return how many clusters look for work at present: their broker loops turn."""
    recently = Now() - timedelta(seconds=LEASE_SECONDS)
    loops = WorkerProcess.objects.filter(kind=ProcessKind.PUSHER, beat_at__gte=recently)
    return loops.values("cluster").distinct().count()


def report() -> dict[str, Any]:
    clusters = live_clusters()
    return {"status": "ok" if clusters else "none", "clusters": clusters}
