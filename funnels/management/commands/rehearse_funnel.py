"""`manage.py rehearse_funnel [STORY]`: move an imaginary clock through a whole event, and print the timeline."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from argparse import SUPPRESS, ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.errors import Refused
from core.local_time import zone_named
from funnels.rehearsing import STORIES, Rehearsal, rehearse

ALL = "all"


class Command(BaseCommand):
    help = (
        "Play the standard funnels through an imaginary event in a week, in the sandbox and a database of its own, and "
        "print what a person gets, and when. Nothing stays. Exits with 1 where something did not go out that should."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("story", nargs="?", default=ALL, choices=[*STORIES, ALL])
        parser.add_argument("--time-zone", default="UTC", help="the event's zone")
        parser.add_argument("--on-stage", action="store_true", help=SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            zone_named(options["time_zone"])
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["on_stage"]:
            self._play(options)
        else:
            self._build_stage(options)

    def _build_stage(self, options: dict[str, Any]) -> None:
        """Play in a process of its own over a database that is thrown away."""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(  # noqa: S603 - our own command
                [
                    sys.executable,
                    str(Path(settings.BASE_DIR) / "manage.py"),
                    "rehearse_funnel",
                    options["story"],
                    f"--time-zone={options['time_zone']}",
                    "--on-stage",
                ],
                env={
                    **os.environ,
                    "DATABASE_URL": f"sqlite:///{folder}/stage.sqlite3",
                    "VAR_DIR": folder,
                    "LOG_LEVEL": "ERROR",
                },
                capture_output=True,
                text=True,
                check=False,
            )
        self.stdout.write(done.stdout, ending="")
        if done.returncode:
            raise CommandError(done.stderr.strip() or "The rehearsal failed.")

    def _play(self, options: dict[str, Any]) -> None:
        call_command("migrate", verbosity=0)
        starts_at = (clock.now() + timedelta(days=7)).replace(minute=0, second=0, microsecond=0)
        stories = STORIES if options["story"] == ALL else [options["story"]]
        played = [
            rehearse(story, starts_at=starts_at, time_zone=options["time_zone"])
            for story in stories
        ]
        for each in played:
            self._tell(each)
        bad = [each.story for each in played if not each.is_good]
        if bad:
            raise CommandError(f"Not as it should be: {', '.join(bad)}.")

    def _tell(self, played: Rehearsal) -> None:
        self.stdout.write(played.story)
        for line in played.lines:
            when = f"{line.at:%a %d %b %Y %H:%M %Z}"
            self.stdout.write(f"  {when}  {line.step:<16}{line.channel:<8}{line.word}")
        for failure in played.failures:
            self.stdout.write(f"  failed: {failure}")
