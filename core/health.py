"""Is this process alive, and may it be sent requests?

`/healthz` answers as long as the process does. `/readyz` asks the database, and answers 503 without it or
while migrations are missing. Higher layers report through probes (are workers alive?), which are shown
and never take the web down: a campaign can be prepared while no worker runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

Probe = Callable[[], Any]
_probes: dict[str, Probe] = {}


def register_probe(name: str, probe: Probe) -> None:
    """Show under `name` in `/readyz` what `probe()` returns; it must be JSON."""
    _probes[name] = probe


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    try:
        missing = unapplied_migrations()
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "database": "unreachable"}, status=503)
    report = {"status": "ok", "database": "ok", "migrations": "ok", **probe_reports()}
    if missing:
        report |= {"status": "unavailable", "migrations": f"{missing} not applied"}
    return JsonResponse(report, status=503 if missing else 200)


def unapplied_migrations() -> int:
    """Return how many migrations this code has and this database lacks."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def probe_reports() -> dict[str, Any]:
    return {name: report_of(probe) for name, probe in sorted(_probes.items())}


def report_of(probe: Probe) -> Any:
    try:
        return probe()
    except DatabaseError:
        return "unknown"
