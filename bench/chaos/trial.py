"""A trial: faults one after the other, how long each took to heal, and what became of every message."""

from __future__ import annotations

import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.chaos.arena import Arena
from bench.chaos.faults import Fault

DRAIN_SECONDS = 180.0


@dataclass
class Report:
    """What a trial found."""

    people: int
    bars: dict[str, float] = field(default_factory=dict)
    healed: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    is_sent: bool = False
    seconds: float = 0.0

    @property
    def missed(self) -> list[str]:
        """The faults that took longer to heal than they may."""
        return [name for name, times in self.healed.items() if max(times) > self.bars[name]]

    @property
    def is_passed(self) -> bool:
        return self.is_sent and not (self.lost or self.doubled or self.differing or self.missed)


def hold_trial(
    arena: Arena, faults: Iterable[Fault], *, at_full_speed: Iterable[Fault] = ()
) -> Report:
    """Strike while the campaign goes out at its pace, then at full speed, and look what came of it."""
    started = time.monotonic()
    report = Report(arena.people)
    with arena.under_way():
        arena.seconds_until(arena.accepts_more(), bar=20)
        _strike(arena, faults, report)
        arena.go_at_full_speed()
        _strike(arena, at_full_speed, report)
        arena.server.misbehave(slow_seconds=0)
        arena.seconds_until(arena.is_sent, bar=DRAIN_SECONDS / 3)
    report.kills = arena.kills
    _compare(arena, report)
    report.seconds = time.monotonic() - started
    return report


def _strike(arena: Arena, faults: Iterable[Fault], report: Report) -> None:
    for fault in faults:
        assert len(arena.server.accepted) < arena.people, f"nothing is left to send: {fault.name}"
        took = fault.strike(arena, fault.bar)
        report.bars[fault.name] = fault.bar
        report.healed[fault.name].append(took)
        verdict = "healed" if took <= fault.bar else "MISSED"
        print(f"{fault.name:45} {verdict} in {took:5.1f} s of {fault.bar:.0f}", flush=True)


def _compare(arena: Arena, report: Report) -> None:
    """The provider's ledger against ours: every message once, with the same address and id."""
    accepted = arena.server.accepted
    counts = Counter(mail.message for mail in accepted)
    report.lost = arena.people - len(counts)
    report.doubled = sum(count - 1 for count in counts.values())
    ours = set(arena.theatre.rows("SELECT address, provider_id FROM messaging_message"))
    theirs = {(mail.to, mail.id) for mail in accepted}
    report.differing = len(ours ^ theirs)
    statuses = arena.theatre.rows("SELECT status, count(*) FROM messaging_message GROUP BY status")
    report.is_sent = arena.is_sent() and statuses == [("sent", arena.people)]


def print_table(report: Report) -> None:
    """What went wrong, how often, how long until it was healed, and how long that may take."""
    print(f"\n{'fault':45} {'times':>5} {'median s':>9} {'longest s':>9} {'bar s':>6}")
    for name, times in report.healed.items():
        verdict = "" if max(times) <= report.bars[name] else "  MISSED"
        median, longest = statistics.median(times), max(times)
        print(
            f"{name:45} {len(times):5} {median:9.1f} {longest:9.1f} {report.bars[name]:6.0f}{verdict}"
        )
    killed = ", ".join(f"{count} × {kind}" for kind, count in report.kills.most_common())
    print(f"\nkilled: {killed}")
    print(
        f"{'PASSED' if report.is_passed else 'FAILED'}: {report.people:,} messages, {report.lost} lost,"
        f" {report.doubled} doubled, {report.differing} differing, {report.kills.total()} kills"
        f" ({report.kills['worker after acceptance']} between acceptance and settlement),"
        f" {len(report.missed)} faults over their bar, {report.seconds:.0f} s"
    )
