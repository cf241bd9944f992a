"""`manage.py runs list|show|watch|retry|replay|pause|resume|cancel|dismiss`: the job log for operators."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.audit import command_actor
from core.errors import Refused
from jobs.actions import cancel_run, dismiss_run, pause_run, replay_run, resume_run, retry_run
from jobs.commands import json_object
from jobs.models import Run
from jobs.states import RunStatus
from jobs.timeline import steps_of
from jobs.watching import outcome, watch_run

NOT_COMPLETED = 2


def positive(text: str) -> int:
    """Return the number above zero that a text spells."""
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{number} is not above zero")
    return number


class Command(BaseCommand):
    help = "Look at runs, and retry, replay, pause, resume, cancel or dismiss them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        listing = verbs.add_parser("list", help="the newest runs")
        listing.add_argument("--status", choices=RunStatus.values)
        listing.add_argument("--workflow")
        listing.add_argument("--limit", type=positive, default=20)
        for verb, help in (
            ("show", "one run with its steps"),
            ("watch", "follow a run until it is over"),
            ("retry", "put a failed run back in the queue"),
            ("pause", "let a run rest"),
            ("resume", "let a paused run go on"),
            ("cancel", "end a run and its children"),
            ("dismiss", "say of a failed run that it may stay so"),
        ):
            verbs.add_parser(verb, help=help).add_argument("run", metavar="RUN")
        replay = verbs.add_parser("replay", help="start what ran over again, as a new run")
        replay.add_argument("run", metavar="RUN")
        replay.add_argument("--from", dest="from_step", default="", metavar="STEP")
        replay.add_argument("--input", metavar="JSON", help="other input")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['verb']}")(options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal

    def _list(self, options: dict[str, Any]) -> None:
        runs = Run.objects.all()
        if options["status"]:
            runs = runs.filter(status=options["status"])
        if options["workflow"]:
            runs = runs.filter(workflow=options["workflow"])
        for run in runs[: options["limit"]]:
            self.stdout.write(self._line(run))
        if not runs.exists():
            self.stderr.write("There are no such runs.")

    def _line(self, run: Run) -> str:
        progress = "" if run.progress_total is None else f"{run.progress_done}/{run.progress_total}"
        moment = run.created_at.strftime("%Y-%m-%d %H:%M:%S")
        return f"{run.public_id}  {run.status:9}  {moment}  {run.workflow}  {progress}".rstrip()

    def _show(self, options: dict[str, Any]) -> None:
        run = Run.from_public_id(options["run"])
        self.stdout.write(self._line(run))
        self.stdout.write(f"actor {run.actor}, input {json.dumps(run.input)}")
        for view in steps_of(run):
            tries = f", {view.step.attempts} attempts" if view.step.attempts > 1 else ""
            self.stdout.write(
                f"  {view.step.status:9}  {view.seconds:9.3f} s  {view.step.key}{tries}"
            )
        if run.error:
            self.stdout.write(self.style.ERROR(run.error.get("traceback") or run.error["message"]))

    def _watch(self, options: dict[str, Any]) -> None:
        run = watch_run(Run.from_public_id(options["run"]))
        if run.status != RunStatus.COMPLETED:
            raise CommandError(outcome(run), returncode=NOT_COMPLETED)
        self.stdout.write(self.style.SUCCESS(outcome(run)))

    def _retry(self, options: dict[str, Any]) -> None:
        run = retry_run(Run.from_public_id(options["run"]), actor=command_actor())
        self.stdout.write(f"{run.public_id} is in the queue again.")

    def _replay(self, options: dict[str, Any]) -> None:
        run = Run.from_public_id(options["run"])
        input = None if options["input"] is None else json_object(options["input"])
        again = replay_run(run, actor=command_actor(), from_step=options["from_step"], input=input)
        self.stdout.write(again.public_id)

    def _pause(self, options: dict[str, Any]) -> None:
        run = pause_run(Run.from_public_id(options["run"]), actor=command_actor())
        is_paused = run.status == RunStatus.PAUSED
        self.stdout.write(
            f"{run.public_id} is {run.status}."
            + ("" if is_paused else " It pauses at its next checkpoint.")
        )

    def _resume(self, options: dict[str, Any]) -> None:
        run = resume_run(Run.from_public_id(options["run"]), actor=command_actor())
        self.stdout.write(f"{run.public_id} goes on.")

    def _dismiss(self, options: dict[str, Any]) -> None:
        run = dismiss_run(Run.from_public_id(options["run"]), actor=command_actor())
        self.stdout.write(f"{run.public_id} stays failed, and waits for nobody.")

    def _cancel(self, options: dict[str, Any]) -> None:
        run = cancel_run(Run.from_public_id(options["run"]), actor=command_actor())
        asked = "" if run.is_over else " It ends at its next checkpoint."
        self.stdout.write(f"{run.public_id} is {run.status}.{asked}")
