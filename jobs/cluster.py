"""`python -m jobs.cluster`: a Django-Q2 cluster whose every process dies with its parent; the supervisor starts it."""

from __future__ import annotations

import os

import django


def main() -> None:
    """Start the cluster and stay until it is told to stop."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django_q.cluster import Cluster

    from jobs.processes import die_with_parent

    die_with_parent()
    os.register_at_fork(after_in_child=die_with_parent)
    Cluster().start()


if __name__ == "__main__":
    main()
