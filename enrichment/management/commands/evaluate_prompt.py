"""`manage.py evaluate_prompt NAME --golden FILE`: hold two versions of a prompt against answers that are known."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from enrichment.evaluating import Case, Score, compare, read_cases
from enrichment.pricing import in_dollars
from jobs.watching import outcome, watch_run


class Command(BaseCommand):
    help = (
        "Ask two versions of a prompt the questions of a golden set, and compare what they answer. Each question is a"
        " paid call. Exits with 0 when the newer is as good or better, 3 when it is worse."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prompt", help="its name, such as clients-enhance")
        parser.add_argument(
            "--golden",
            type=Path,
            required=True,
            help='a file of JSON lines: {"input": {…}, "expected": {…}}',
        )
        parser.add_argument("--versions", nargs=2, type=int, metavar=("OLD", "NEW"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            cases = read_cases(options["golden"].read_text())
            run = compare(
                options["prompt"], cases, versions=options["versions"], actor=command_actor()
            )
        except (Refused, OSError) as refusal:
            raise CommandError(str(refusal)) from refusal
        watch_run(run)
        if run.output is None:
            raise CommandError(outcome(run), returncode=2)
        old, new = (Score(**each) for each in run.output["scores"])
        self._tell(old, new, cases)
        if new.right < old.right:
            raise CommandError("The newer version is worse.", returncode=3)

    def _tell(self, old: Score, new: Score, cases: list[Case]) -> None:
        for score in (old, new):
            self.stdout.write(
                f"version {score.version}: {score.right} of {score.of} values right,"
                f" {score.unreadable} of {len(cases)} answers unreadable, {in_dollars(score.cost_micros)}"
            )
        for line in new.misses:
            self.stdout.write(f"  {line}")
