"""Puts off what should not go out now: night where a person lives, too much of late, too late to be of use."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Q

from core import clock
from messaging import ledger
from messaging.holding import Obstacle, Verdict, room_at, verdict
from messaging.ledger import Claim
from messaging.models import Contact, Message, Sender
from messaging.quiet import QuietHours, quiet_until
from messaging.states import HoldPolicy, MessageStatus, Reason

#: What counts against a person's cap: what went out, and what may have.
COUNTED = (MessageStatus.SENDING, MessageStatus.SENT, MessageStatus.IN_DOUBT)


def put_off(
    claims: Sequence[Claim], people: Mapping[int, Contact], *, sender: Sender
) -> list[Claim]:
    """Return the claims that go now, in the caller's transaction; the others are held, or skipped."""
    if not _has_to_look(claims, sender):
        return list(claims)
    look = Look.at(clock.now(), claims, sender=sender)
    verdicts = [(claim, look.judge(claim, people[claim.id])) for claim in claims]
    ledger.hold([(c.id, v.reason, v.until) for c, v in verdicts if v.until])
    ledger.set_aside(
        [
            (c.id, MessageStatus.SKIPPED.value, v.reason, "")
            for c, v in verdicts
            if not v.goes and not v.until
        ]
    )
    return [claim for claim, found in verdicts if found.goes]


def _has_to_look(claims: Sequence[Claim], sender: Sender) -> bool:
    """Say whether anything could keep a message back: mostly nothing does, and nothing more is read."""
    return (
        sender.quiet_from is not None
        or sender.contact_cap is not None
        or any(claim.expires_at for claim in claims)
    )


def foreseen(
    sender: Sender, contact: Contact, *, at: datetime, policy: str, expires_at: datetime | None
) -> Verdict:
    """Return what the nights where a person lives will make of a message at a moment to come."""
    night = _nights(at, sender)(contact.time_zone)
    obstacle = Obstacle(Reason.QUIET_HOURS, night, policy)
    return verdict((obstacle,), now=at, expires_at=expires_at)


@dataclass(frozen=True)
class Look:
    """What is known at one moment about the nights and the last messages of some people."""

    now: datetime
    sender: Sender
    night: Callable[[str], datetime | None]
    recent: defaultdict[uuid.UUID, list[datetime]]

    @classmethod
    def at(cls, now: datetime, claims: Sequence[Claim], *, sender: Sender) -> Look:
        return cls(now, sender, _nights(now, sender), _recent(now, claims, sender))

    def judge(self, claim: Claim, contact: Contact) -> Verdict:
        """Decide about one message; one that goes counts for the person's next."""
        mine = self.recent[contact.pk]
        found = verdict(
            (
                Obstacle(
                    Reason.QUIET_HOURS,
                    self.night(contact.time_zone),
                    claim.quiet_hours or claim.stream.quiet_hours,
                ),
                Obstacle(Reason.FREQUENCY_CAP, self._room(mine), claim.stream.over_cap),
            ),
            now=self.now,
            expires_at=claim.expires_at,
        )
        if found.goes and claim.stream.over_cap != HoldPolicy.IGNORE:
            mine.append(self.now)
        return found

    def _room(self, mine: Sequence[datetime]) -> datetime | None:
        cap = self.sender.contact_cap
        return None if cap is None else room_at(mine, cap=cap, window=_window(self.sender))


def _nights(now: datetime, sender: Sender) -> Callable[[str], datetime | None]:
    """Return what tells when the night ends in a zone: worked out once per zone, not once per person."""
    if sender.quiet_from is None or sender.quiet_until is None:
        return lambda name: None
    hours = QuietHours(sender.quiet_from, sender.quiet_until)

    @cache
    def night(name: str) -> datetime | None:
        return quiet_until(now, hours=hours, zone=zone_of(name, default=sender.zone))

    return night


def zone_of(name: str, *, default: ZoneInfo) -> ZoneInfo:
    """Return a person's zone; where it is not known, or nobody knows such a zone, the default."""
    try:
        return ZoneInfo(name) if name else default
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return default


def _recent(
    now: datetime, claims: Sequence[Claim], sender: Sender
) -> defaultdict[uuid.UUID, list[datetime]]:
    """Return when these people last got messages that count against the cap.

    Their rows are locked, in order, so that two lanes with a message each for one person count one after the other.
    """
    found: defaultdict[uuid.UUID, list[datetime]] = defaultdict(list)
    if sender.contact_cap is None:
        return found
    ids = {claim.contact_id for claim in claims}
    list(
        Contact.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk").only("pk")
    )
    for contact, at in _counted(ids, since=now - _window(sender), channel=sender.channel):
        found[contact].append(at or now)
    return found


def _counted(ids: set[uuid.UUID], *, since: datetime, channel: str) -> Any:
    counted = Message.objects.filter(
        Q(settled_at=None) | Q(settled_at__gt=since),
        contact__in=ids,
        status__in=COUNTED,
        stream__sender__channel=channel,
    )
    return counted.exclude(stream__over_cap=HoldPolicy.IGNORE).values_list("contact", "settled_at")


def _window(sender: Sender) -> timedelta:
    return timedelta(days=sender.contact_cap_days)
