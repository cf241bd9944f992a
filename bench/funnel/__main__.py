"""`make bench-funnel`: 20,000 people enroll in one event, and the clock is moved through its whole life.

1. Everybody enrolls in both standard funnels. 2. The event is moved by three days; some withdraw. 3. The clock goes to
a day and to an hour before the start: the reminders of the hour must be handed to the provider within 5 minutes, at 5
calls of 100 a second. 4. Half of the people come; attendance is settled. 5. The clock goes through the days after it.

At the end the ledger must be exactly the expected one, and the provider must have taken each e-mail once. Exits with 1
when a bar is missed, and ends with one line of figures.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from bench.bars import Bar, at_most, judge, say
from bench.funnel.moving_clock import NAME, MovingClock
from bench.sending import resend_server
from bench.theatre import fresh_theatre
from tests.crash.theatre import Theatre

PEOPLE = 20_000
CALLS_PER_SECOND = 5
WORKERS = 4
MOVED_DAYS = 3
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SETTLING = timedelta(minutes=85)
REMINDERS_SECONDS = 300.0
WHOLE_SECONDS = 720.0
PATIENCE_SECONDS = 900.0
LOOK_SECONDS = 0.5


@dataclass
class Life:
    """The event's life as it is played: the stage, its clock, and how long each act took."""

    theatre: Theatre
    clock: MovingClock
    people: int
    starts_at: datetime
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def leavers(self) -> int:
        return self.people // 100

    @property
    def stayers(self) -> int:
        return self.people - self.leavers

    def act(self, name: str, *arguments: str) -> str:
        """Play an act by a command of the stage."""
        start = time.monotonic()
        told = self.theatre.manage("stage_funnel", *arguments)
        self._took(name, start)
        return told

    def wait(self, name: str, *, sent: int) -> None:
        """Wait until so many messages in all are out; say how far it is meanwhile."""
        start = said = time.monotonic()
        while (count := self.sent()) < sent:
            if time.monotonic() - said > 15:
                said = time.monotonic()
                say(f"    {count:,} of {sent:,} messages are out")
            if time.monotonic() - start > PATIENCE_SECONDS:
                raise SystemExit(
                    f"{name}: {count} of {sent}\n{self.theatre.log.read_text()[-3000:]}"
                )
            time.sleep(LOOK_SECONDS)
        self._took(name, start)

    def sent(self) -> int:
        [(count,)] = self.theatre.rows(
            "SELECT count(*) FROM messaging_message WHERE status = 'sent'"
        )
        return int(count)

    def _took(self, name: str, start: float) -> None:
        self.seconds[name] = time.monotonic() - start
        say(f"  {name}: {self.seconds[name]:.1f} s")


def play(life: Life) -> None:
    """Play the event's life."""
    life.act("enroll everybody in both funnels", "enroll")
    out = life.people
    life.wait("everybody is welcomed", sent=out)
    life.act(f"the event is moved by {MOVED_DAYS} days", "move", str(MOVED_DAYS))
    life.starts_at += MOVED_DAYS * DAY
    life.act(f"{life.leavers:,} withdraw", "withdraw", str(life.leavers))
    for name, before in (("a day before", DAY), ("an hour before", HOUR)):
        life.clock.go_to(life.starts_at - before)
        out += 2 * life.stayers
        life.wait(f"reminders {name}, e-mail and SMS", sent=out)
    life.clock.go_to(life.starts_at + HOUR)
    life.act("half of them come", "attend")
    for name, share, after in STEPS_AFTER:
        life.clock.go_to(life.starts_at + HOUR + SETTLING + after + timedelta(seconds=5))
        out += share * life.stayers // 2
        life.wait(name, sent=out)
    life.clock.go_to(life.starts_at + 9 * DAY)
    wait_until_all_are_through(life)


#: What follows the settlement, how many halves of the people get it, and how long after it.
STEPS_AFTER = (
    ("thanks and regrets", 2, timedelta(0)),
    ("resources", 1, DAY),
    ("re-engagement", 1, 2 * DAY),
    ("nurture", 1, 3 * DAY),
    ("final follow-up", 1, 7 * DAY),
)


def wait_until_all_are_through(life: Life) -> None:
    start = time.monotonic()
    active = "SELECT count(*) FROM funnels_enrollment WHERE status = 'active'"
    while life.theatre.rows(active) != [(0,)]:
        if time.monotonic() - start > PATIENCE_SECONDS:
            raise SystemExit(f"{life.theatre.rows(active)} are still on their way.")
        time.sleep(LOOK_SECONDS)
    life._took("everybody is through", start)


def expected(life: Life) -> dict[str, int]:
    """Return the one ledger that is right."""
    half = life.stayers // 2
    odd = life.stayers - half
    ledger = {"welcome email sent": life.people}
    for step in ("reminder-24h", "reminder-1h"):
        for channel in ("email", "sms"):
            ledger[f"{step} {channel} sent"] = life.stayers
            ledger[f"{step} {channel} cancelled"] = life.leavers
    ledger |= {f"{step} email sent": odd for step in ("thank-you", "resources", "nurture")}
    ledger |= {
        f"{step} email sent": half for step in ("sorry-missed", "reengagement", "final-followup")
    }
    return dict(sorted(ledger.items()))


def accepted(server: str) -> list[dict[str, Any]]:
    with urlopen(f"{server}/_control/ledger", timeout=120) as answer:
        found: list[dict[str, Any]] = json.load(answer)["accepted"]
    return found


def limit(server: str) -> None:
    body = json.dumps({"requests_per_second": CALLS_PER_SECOND}).encode()
    urlopen(Request(f"{server}/_control/faults", data=body), timeout=10).close()


def bars_of(
    life: Life, outcome: dict[str, Any], mails: list[dict[str, Any]], whole: float
) -> list[Bar]:
    """Judge the ledgers and the times."""
    ours, wanted = outcome["ledger"], expected(life)
    differences = {
        name: (ours.get(name, 0), wanted.get(name, 0))
        for name in ours.keys() | wanted.keys()
        if ours.get(name) != wanted.get(name)
    }
    twice = sum(count > 1 for count in Counter(mail["message"] for mail in mails).values())
    by_mail = sum(count for name, count in wanted.items() if name.endswith("email sent"))
    reminders = life.seconds["reminders an hour before, e-mail and SMS"]
    enrollments = {"completed": 2 * life.stayers, "ended": 2 * life.leavers}
    return [
        Bar(f"ledger (is, should be): {differences}", not differences),
        Bar(f"{outcome['early']} went out early", not outcome["early"]),
        Bar(f"{twice} were taken twice by the provider", not twice),
        Bar(f"the provider took {len(mails):,} e-mails, not {by_mail:,}", len(mails) == by_mail),
        Bar(f"people: {outcome['enrollments']}", outcome["enrollments"] == enrollments),
        at_most(reminders, REMINDERS_SECONDS, f"{reminders:.0f} s for the reminders of the hour"),
        at_most(whole, WHOLE_SECONDS, f"{whole:.0f} s in all"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--vendor", choices=["postgresql", "sqlite"], default="postgresql")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        fresh_theatre(Path(folder), options.vendor) as theatre,
        resend_server() as server,
    ):
        limit(server)
        clock = MovingClock(Path(folder) / "clock")
        theatre.environment |= {
            "DJANGO_SETTINGS_MODULE": "bench.funnel.settings",
            NAME: str(Path(folder) / "clock"),
            "RESEND_API_KEY": "re_test",
            "RESEND_API_URL": server,
        }
        arguments = ("--provider", "resend", "--rate", str(CALLS_PER_SECOND * 100))
        starts = theatre.manage("stage_funnel", "make", str(options.people), *arguments)
        life = Life(theatre, clock, options.people, datetime.fromisoformat(starts.strip()))
        say(f"{options.people:,} people, {options.vendor}")
        start = time.monotonic()
        with theatre.worker(workers=WORKERS):
            play(life)
        whole = time.monotonic() - start
        outcome = json.loads(theatre.manage("stage_funnel", "outcome"))
        bars = bars_of(life, outcome, accepted(server), whole)
    reminders = life.seconds["reminders an hour before, e-mail and SMS"]
    return judge(
        bars,
        line=f"bench-funnel: {options.people:,} people in {whole:.0f} s; reminders of the hour in {reminders:.0f} s;"
        f" {sum(outcome['ledger'].values()):,} messages, {outcome['early']} early",
    )


if __name__ == "__main__":
    sys.exit(main())
