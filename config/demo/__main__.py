"""The demo from beginning to end. Exits with 0 when everybody got exactly one message, else with 1."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import django

from config.demo import processes


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is what the demo is for


def main() -> int:
    """Run the demo; on a terminal, stay up afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=processes.DEFAULT_FOLDER, help="of its database and its logs"
    )
    folder = parser.parse_args().folder.resolve()
    url = processes.prepare_environment(folder)
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    say(f"Preparing the demo's own database in {folder}.")
    call_command("migrate", verbosity=0)
    connection.close()
    with processes.servers(url):
        code = perform(url)
        if sys.stdout.isatty() and not code:
            stay()
    return code


def perform(url: str) -> int:
    """Import, write, send, kill, account for."""
    from campaigns.actions import launch_campaign
    from config.demo import scenery, show
    from imports.terminal import summary

    password = scenery.make_staff()
    say("Importing 2,000 contacts from a CSV file.")
    say(f"  {summary(scenery.import_contacts())}")
    scenery.let_some_leave()
    campaign = launch_campaign(scenery.make_campaign(), actor=scenery.ACTOR)
    say(f"Sending “{campaign.name}” at {scenery.RATE_PER_SECOND:.0f} a second.")
    say(f"  Watch it:  {url}/admin/campaigns/campaign/{campaign.pk}/change/")
    say(f"  Log in as  alice (owner), oscar (operator) or bob (viewer), password {password}")
    account = show.watch(campaign)
    show.tell(account)
    say(
        "Everybody got exactly one message."
        if account.is_good
        else "THIS WENT WRONG; the logs stand in the demo's folder."
    )
    return 0 if account.is_good else 1


def stay() -> None:
    """Leave web and worker up until Ctrl-C."""
    say("Web and worker stay up. Ctrl-C ends the demo.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        say("")


if __name__ == "__main__":
    sys.exit(main())
