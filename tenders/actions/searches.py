"""Saved searches: made for somebody who asked, changed, paused by staff, ended by their owner."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from core import audit, clock
from core.errors import Conflict, Refused
from core.local_time import zone_named
from messaging.actions.sending import contact_of, the_sender
from messaging.attributes import clean_text
from messaging.channels import Channel
from messaging.models import Contact, Message, Sender
from messaging.planned import take_back
from messaging.states import MessageStatus
from tenders.alerts.letters import alert_version
from tenders.alerts.periods import next_moment
from tenders.finding import Criteria, check, matching
from tenders.models import AlertMatch, SavedSearch, Tender
from tenders.states import SEARCH_TRANSITIONS, EventKind, Frequency, SearchStatus

PREVIEWED = 20
PARTS = ("name", "criteria", "kinds", "frequency", "hour", "weekday", "time_zone", "sender")
#: What the moment of the next message follows from.
MOMENT = ("frequency", "hour", "weekday", "time_zone")


@dataclass(frozen=True)
class Preview:
    """What a search would find of what is there: how many in all, and the newest."""

    count: int
    tenders: Sequence[Tender]


@transaction.atomic
def create_search(
    *,
    actor: str,
    name: str,
    criteria: Criteria,
    contact: Contact | None = None,
    to: str = "",
    time_zone: str = "",
    sender: Sender | None = None,
    **parts: Any,
) -> SavedSearch:
    """Save a search for somebody who asked for it: a contact, or whoever has the address `to`.

    It tells what happens from now on. The zone is the person's where none is named; the sender the only one there is.
    Raises Refused naming the field that cannot be.
    """
    person = contact or contact_of(to, channel=Channel.EMAIL, actor=actor)
    search = SavedSearch(
        name=name,
        contact=person,
        criteria=criteria.as_json(),
        time_zone=time_zone or person.time_zone or settings.TIME_ZONE,
        sender=sender or the_sender(Channel.EMAIL),
        **parts,
    )
    _check(search, criteria)
    _set_moments(search)
    search.save(force_insert=True)
    alert_version()
    audit.record("saved_search.created", search, actor=actor, contact=person.public_id)
    return search


@transaction.atomic
def update_search(search: SavedSearch, *, actor: str, **changes: Any) -> SavedSearch:
    """Change the named parts; what was found is kept, and told at the next moment. Raises Refused."""
    if unknown := set(changes) - set(PARTS):
        raise Refused(f"A saved search has no {min(unknown)!r}.", field=min(unknown))
    search = SavedSearch.objects.select_for_update(of=("self",)).get(pk=search.pk)
    criteria = changes.get("criteria", Criteria.from_json(search.criteria))
    for name, value in changes.items():
        setattr(search, name, value.as_json() if name == "criteria" else value)
    _check(search, criteria)
    touched = {*changes}
    if touched & {*MOMENT, "criteria"}:
        _set_moments(search)
        touched |= {"next_at", "looked_until"}
    search.save(update_fields=sorted(touched))
    audit.record("saved_search.updated", search, actor=actor, fields=sorted(changes))
    return search


def pause_search(search: SavedSearch, *, actor: str) -> None:
    """Let a search neither look nor write; what happens meanwhile is not told later. Raises Conflict."""
    _move(search, to=SearchStatus.PAUSED, verb="paused", actor=actor)


def resume_search(search: SavedSearch, *, actor: str) -> None:
    """Let a paused search go on from now. One that its owner ended only they begin anew. Raises Conflict."""
    if search.status == SearchStatus.ENDED:
        raise Conflict(
            "Its owner wants no more of it.",
            field="status",
            value=search.status,
            remedy="They can begin it anew on its page, or save another.",
        )
    _check(search, Criteria.from_json(search.criteria))
    _move(search, to=SearchStatus.ACTIVE, verb="resumed", actor=actor)


@transaction.atomic
def end_search(search: SavedSearch, *, actor: str) -> bool:
    """End a search at its owner's wish, and take back what was not handed over; return whether it was under way."""
    search.refresh_from_db()
    if search.status == SearchStatus.ENDED:
        return False
    _move(search, to=SearchStatus.ENDED, verb="ended", actor=actor)
    AlertMatch.objects.filter(search=search, digest=None).delete()
    told = search.digests.values("message")
    waiting = (MessageStatus.PENDING, MessageStatus.SENDING)
    take_back(Message.objects.filter(pk__in=told, status__in=waiting))
    return True


@transaction.atomic
def begin_again(search: SavedSearch, *, actor: str) -> bool:
    """Begin a search anew that its owner ended, from now on; return whether it was over."""
    search.refresh_from_db()
    if search.status != SearchStatus.ENDED:
        return False
    _move(search, to=SearchStatus.ACTIVE, verb="begun_again", actor=actor)
    return True


def preview(criteria: Criteria) -> Preview:
    """Return what a search would find of what is there, before it is saved; raise Refused where it means nothing."""
    found: QuerySet[Tender] = matching(criteria)
    newest = found.select_related("source").defer("compiled", "words").order_by("-id")
    return Preview(found.count(), list(newest[:PREVIEWED]))


@transaction.atomic
def _move(search: SavedSearch, *, to: SearchStatus, verb: str, actor: str) -> None:
    allowed = [old for old, following in SEARCH_TRANSITIONS.items() if to in following]
    _set_moments(search)
    rows = SavedSearch.objects.filter(pk=search.pk, status__in=allowed)
    moved = rows.update(
        status=to, problem="", next_at=search.next_at, looked_until=search.looked_until
    )
    search.refresh_from_db()
    if not moved:
        raise Conflict(
            f"The search “{search}” is {search.get_status_display().lower()}.",
            field="status",
            value=search.status,
        )
    audit.record(f"saved_search.{verb}", search, actor=actor)


def _set_moments(search: SavedSearch) -> None:
    """Set when it writes next, and up to where it has looked ahead: all as from now."""
    now = clock.now()
    search.next_at = next_moment(
        now,
        frequency=search.frequency,
        hour=search.hour,
        weekday=search.weekday,
        zone=search.zone,
    )
    days = search.criteria.get("closing_within_days")
    search.looked_until = None if days is None else _ahead(now, days)


def _ahead(now: datetime, days: int) -> datetime:
    return now + timedelta(days=days)


# --- what cannot be ------------------------------------------------------------------------------


def _check(search: SavedSearch, criteria: Criteria) -> None:
    search.name = clean_text(search.name, field="name", max_length=120)
    if not search.name:
        raise Refused("A search needs a name.", field="name", value="", remedy="Name it.")
    check(criteria)
    zone_named(search.time_zone)
    _check_kinds(search.kinds)
    if search.frequency not in Frequency.values:
        raise _unknown("frequency", search.frequency, Frequency.values)
    for field, least, most in (("hour", 0, 23), ("weekday", 1, 7)):
        value = getattr(search, field)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Refused(
                f"{value!r} is no {field}.",
                field=field,
                value=value,
                remedy=f"Choose {least} to {most}.",
            )
    if search.sender.channel != Channel.EMAIL:
        raise Refused(
            f"The sender “{search.sender}” writes no e-mail.",
            field="sender",
            value=search.sender.public_id,
            remedy="Choose one that does.",
        )
    if not search.contact.email:
        raise Refused(
            "This person has no e-mail address.",
            field="contact",
            value=search.contact.public_id,
            remedy="Give the contact one first.",
            code="no_address",
        )


def _check_kinds(kinds: Iterable[str]) -> None:
    if unknown := sorted(set(kinds) - set(EventKind.values)):
        raise _unknown("kinds", unknown[0], EventKind.values)


def _unknown(field: str, value: Any, known: Iterable[str]) -> Refused:
    return Refused(
        f"There is no {field.removesuffix('s')} {value!r}.",
        field=field,
        value=value,
        remedy=f"Choose from {', '.join(known)}.",
    )
