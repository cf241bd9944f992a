"""`manage.py evaluate_prompt NAME --golden FILE`: hold two versions of a prompt against answers that are known."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from enrichment.evaluating import Case, Score, compare, estimate, read_cases
from enrichment.pricing import in_dollars
from jobs.watching import outcome, watch_run


def is_agreed() -> bool:
    """Ask whoever sits at the terminal; nobody is none who agrees."""
    return sys.stdin.isatty() and input("Go on? [y/N] ").strip().lower() in ("y", "yes")


class Command(BaseCommand):
    help = (
        "Ask two versions of a prompt the questions of a golden set, and compare what they answer. Each question is a"
        " paid call: what all of them may cost is shown first. Exits with 0 when the newer is as good or better, 1 when"
        " nothing was asked, 2 when it did not come to its end, 3 when the newer is worse."
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
        parser.add_argument("--yes", action="store_true", help="pay without being asked first")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            cases = read_cases(options["golden"].read_text())
            self._confirm(options, cases)
            run = compare(
                options["prompt"], cases, versions=options["versions"], actor=command_actor()
            )
        except (Refused, OSError, UnicodeDecodeError) as refusal:
            raise CommandError(str(refusal)) from refusal
        watch_run(run)
        if run.output is None:
            raise CommandError(outcome(run), returncode=2)
        old, new = (Score(**each) for each in run.output["scores"])
        self._tell(old, new, cases)
        if new.right < old.right:
            raise CommandError("The newer version is worse.", returncode=3)

    def _confirm(self, options: dict[str, Any], cases: list[Case]) -> None:
        """Say what it costs; raise CommandError unless that is agreed to."""
        told = estimate(options["prompt"], cases, versions=options["versions"])
        if told.is_sandbox:
            self.stdout.write(
                f"{told.calls} calls to the built-in sandbox model: they cost nothing, and what it answers is made up."
            )
            return
        self.stdout.write(f"{told.calls} calls, at most {in_dollars(told.at_most)}.")
        if not options["yes"] and not is_agreed():
            raise CommandError("Nothing was asked. Say --yes to pay.")

    def _tell(self, old: Score, new: Score, cases: list[Case]) -> None:
        for score in (old, new):
            self.stdout.write(
                f"version {score.version}: {score.right} of {score.of} values right,"
                f" {score.unreadable} of {len(cases)} answers unreadable, {in_dollars(score.cost_micros)}"
            )
        for line in new.misses:
            self.stdout.write(f"  {line}")
