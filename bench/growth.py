"""`make bench-growth`: ten times the people take ten times the time and no more memory, and pages stay quick.

1. 36,000 and then 360,000 people are sent to through the Resend provider at 0 ms: seconds per message, memory.
2. With 360,000 messages in the database, pages and API are asked on an idle system, and again while a campaign to
   360,000 more runs as fast as it can: 95th percentiles.

Exits with 1 when a bar is missed, and ends with one line of figures.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from bench.bars import at_most, judge, say
from bench.chaos.postgres import free_port
from bench.sending import Sending, is_sending, launch, measure_sending, resend_server
from bench.theatre import fresh_theatre
from bench.web import visitor_of, web_server
from tests.crash.theatre import Theatre

FEW, MANY = 36_000, 360_000
LANES = 4
LINEAR = 1.15
MEMORY_BAR_MEGABYTES = 50.0
TIMES_IDLE = 3.0


def measure_pages(theatre: Theatre, people: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return the pages' 95th percentiles on an idle system, and while a campaign runs."""
    with web_server(theatre, port=free_port()) as url:
        visitor = visitor_of(theatre, url)
        say("pages on an idle system …")
        visitor.p95()  # warm
        idle = visitor.p95()
        say("pages while a campaign runs …")
        launch(theatre, people)
        time.sleep(3)
        busy = visitor.p95()
        if not is_sending(theatre):
            raise SystemExit("The campaign ended before the pages were measured.")
    return idle, busy


def tell_pages(idle: dict[str, float], busy: dict[str, float]) -> float:
    """Print the pages' table; return the worst ratio."""
    say(f"\n  {'page, 95th percentile':<24}{'idle ms':>9}{'busy ms':>9}{'ratio':>7}")
    for name in idle:
        ratio = busy[name] / idle[name]
        say(f"  {name:<24}{1000 * idle[name]:>9.0f}{1000 * busy[name]:>9.0f}{ratio:>7.1f}")
    return max(busy[name] / idle[name] for name in idle)


def main() -> int:
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_theatre(Path(folder), "postgresql") as theatre,
        resend_server() as server,
    ):
        theatre.environment |= {"RESEND_API_KEY": "re_test", "RESEND_API_URL": server}
        say(f"writing {FEW + MANY:,} people …")
        few = theatre.manage("stage_list", str(FEW)).strip()
        many = theatre.manage("stage_list", str(MANY), "--from", str(FEW)).strip()
        with theatre.worker(workers=LANES) as worker:
            say(f"sending to {FEW:,}, twice, and to {MANY:,} …")
            measure_sending(theatre, worker.pid, few, count=FEW)  # warm
            small = measure_sending(theatre, worker.pid, few, count=FEW)
            large = measure_sending(theatre, worker.pid, many, count=MANY)
            idle, busy = measure_pages(theatre, many)
    return tell(small, large, worst=tell_pages(idle, busy))


def tell(small: Sending, large: Sending, *, worst: float) -> int:
    """Print what was measured beside the bars; return the exit code."""
    slope = (large.seconds / MANY) / (small.seconds / FEW)
    growth = large.growth
    say(
        f"\n  {FEW:,}: {small.seconds:.1f} s; {MANY:,}: {large.seconds:.1f} s; {slope:.2f} per message"
    )
    return judge(
        [
            at_most(slope, LINEAR, f"{slope:.2f} of the time per message"),
            at_most(growth, MEMORY_BAR_MEGABYTES, f"{growth:.0f} MB growth"),
            at_most(worst, TIMES_IDLE, f"{worst:.1f} times the idle page"),
        ],
        line=f"bench-growth: {MANY / large.seconds:,.0f} a second at {MANY:,} against"
        f" {FEW / small.seconds:,.0f} at {FEW:,}; {growth:+.0f} MB; pages {worst:.1f} x idle at p95",
    )


if __name__ == "__main__":
    sys.exit(main())
