"""`make bench-webhooks`: 10,000 webhooks in random order with repetitions, four at a time, while a campaign runs.

1. A campaign is sent; the webhooks will tell of its messages. 2. On the idle system such webhooks are posted one at a
time, and four at a time: 95th percentiles. 3. Campaigns to 36,000 people run, and the storm comes. 4. When the reader
has read everything, each life, each count and each closed address must stand exactly as it was told.

Exits with 1 when a bar is missed, and ends with one line of figures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import storm
from bench.bars import Bar, at_most, judge, say
from bench.chaos.postgres import free_port
from bench.sending import is_sending, launch, resend_server
from bench.theatre import fresh_theatre
from bench.web import web_server
from tests.crash.theatre import Theatre
from tests.fakes.webhooks import SECRET

WEBHOOKS = 10_000
TOLD = 2_100
PEOPLE = 36_000
CAMPAIGNS = 4
LANES = 4
QUIET = 600  #: webhooks of a calm, about CALM_MAILS mails
CALM_MAILS = 150
CALMS = 3
TIMES_IDLE = 3.0
SENDING_SECONDS = 300.0
READING_SECONDS = 120.0


@dataclass(frozen=True)
class Figures:
    """95th percentiles in seconds, how long the storm took, and the reader after it."""

    alone: float
    idle: float
    busy: float
    storm_seconds: float
    reading_seconds: float
    differences: list[str]
    count: int


def measure(theatre: Theatre, url: str, people: str, *, count: int) -> Figures:
    """Post on the idle system, then in the storm; `people` get the campaigns that run meanwhile."""
    told = count * TOLD // WEBHOOKS
    mails = storm.mails_of(theatre, limit=told + CALMS * CALM_MAILS)
    warm, first, second = (
        storm.gather(mails[at : at + CALM_MAILS], count=QUIET)
        for at in range(told, len(mails), CALM_MAILS)
    )
    storm.post(url, warm.requests)
    say("  calm: one at a time, then four")
    alone = storm.p95(storm.post(url, first.requests, at_a_time=1))
    idle = storm.p95(storm.post(url, second.requests))
    storm.wait_until_applied(theatre, seconds=READING_SECONDS)
    for _ in range(CAMPAIGNS):
        launch(theatre, people)
    say("  storm: the campaigns are under way")
    weather = storm.gather(mails[:told], count=count)
    start = time.monotonic()
    seconds = storm.post(url, weather.requests)
    took = time.monotonic() - start
    say(f"  all were answered in {took:.1f} s")
    if not is_sending(theatre):
        raise SystemExit("The campaigns ended before the storm did.")
    reading = storm.wait_until_applied(theatre, seconds=READING_SECONDS)
    wrong = storm.differences(theatre, storm.together([warm, first, second, weather]))
    return Figures(alone, idle, storm.p95(seconds), took, reading, wrong, count)


def tell(figures: Figures) -> int:
    """Print what was measured beside the bars; return the exit code.

    Like is compared with like: four at a time on two cores wait for each other whatever else runs, which by itself
    makes about three times of one alone. That figure is told beside it.
    """
    times, of_one = figures.busy / figures.idle, figures.busy / figures.alone
    return judge(
        [
            *(Bar(wrong, is_met=False) for wrong in figures.differences),
            at_most(times, TIMES_IDLE, f"{times:.1f} times the same four on the idle system"),
        ],
        line=f"bench-webhooks: {figures.count:,} in {figures.storm_seconds:.1f} s, all read"
        f" {figures.reading_seconds:.1f} s later, {len(figures.differences)} differences; p95"
        f" {1000 * figures.busy:.1f} ms = {times:.1f} x the same four at a time on the idle system"
        f" ({1000 * figures.idle:.1f} ms), {of_one:.1f} x one alone ({1000 * figures.alone:.1f} ms)",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=WEBHOOKS)
    parser.add_argument("--people", type=int, default=PEOPLE)
    options = parser.parse_args()
    mails = options.count * TOLD // WEBHOOKS
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_theatre(Path(folder), "postgresql") as theatre,
        resend_server() as server,
    ):
        theatre.environment |= {
            "RESEND_API_KEY": "re_test",
            "RESEND_API_URL": server,
            "RESEND_WEBHOOK_SECRET": SECRET,
        }
        told = theatre.manage("stage_list", str(mails + CALMS * CALM_MAILS)).strip()
        people = theatre.manage("stage_list", str(options.people), "--from", "100000").strip()
        with theatre.worker(workers=LANES), web_server(theatre, port=free_port()) as url:
            say("  the web server and the workers are up")
            launch(theatre, told)
            deadline = time.monotonic() + SENDING_SECONDS
            while is_sending(theatre) and time.monotonic() < deadline:
                time.sleep(0.5)
            figures = measure(theatre, url, people, count=options.count)
    return tell(figures)


if __name__ == "__main__":
    sys.exit(main())
