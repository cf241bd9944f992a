"""What producers do: open a stream, write messages into it, pause, resume and close it, and ask how it stands."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import CharField, Count, DateTimeField, F, Max, Min, QuerySet, Value
from django.db.models.functions import Cast, Coalesce, Replace

from core import clock
from core.errors import Conflict
from messaging import lanes
from messaging.audience import eligibility
from messaging.batches import dissolve_frozen
from messaging.channels import Channel
from messaging.models import (
    Contact,
    ContactList,
    ListMember,
    Message,
    Sender,
    Stream,
    TemplateVersion,
    Topic,
)
from messaging.models.outbox import MessageQuerySet
from messaging.states import HoldPolicy, MessageStatus, Purpose, Reason, StreamStatus

#: What becomes of a message in quiet hours, or over its person's cap, where its stream does not say.
DEFAULT_POLICY = {
    Purpose.MARKETING: HoldPolicy.HOLD,
    Purpose.TRANSACTIONAL: HoldPolicy.IGNORE,
}


@dataclass(frozen=True)
class Hold:
    """So many pending messages wait for one reason, the first of them until `first`, the last until `last`."""

    reason: str
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Tally:
    """How the messages of a stream stand. `reasons` counts skipped, failed and doubtful ones; `holds` those of
    the pending ones that wait for a moment."""

    total: int
    pending: int
    sending: int
    sent: int
    failed: int
    in_doubt: int
    skipped: int
    reasons: dict[str, int]
    holds: tuple[Hold, ...] = ()

    @property
    def held(self) -> int:
        return sum(hold.count for hold in self.holds)


def open_stream(
    title: str,
    *,
    sender: Sender,
    template_version: TemplateVersion,
    data: dict[str, Any] | None = None,
    priority: int = 0,
    purpose: Purpose = Purpose.MARKETING,
    topic: Topic | None = None,
    quiet_hours: str = "",
    over_cap: str = "",
) -> Stream:
    """Open a stream; `data` is what its template sees as `data`, the greater `priority` goes out first.

    A transactional stream needs nobody's consent; the topic of another leaves out those who declined it.
    `quiet_hours` and `over_cap` say what becomes of a message that should not go out now: unless told otherwise
    marketing is held, and transactional messages are sent.
    """
    return Stream.objects.create(
        title=title,
        sender=sender,
        template_version=template_version,
        data=data or {},
        priority=priority,
        purpose=purpose,
        topic=topic,
        quiet_hours=quiet_hours or DEFAULT_POLICY[purpose],
        over_cap=over_cap or DEFAULT_POLICY[purpose],
    )


def standing_stream(
    key: str, *, title: str, sender: Sender, template_version: TemplateVersion, **kwargs: Any
) -> Stream:
    """Return the stream of a key that single messages are written to for as long as there are any; open it once.

    `key` names what the stream is for; with the sender and the version it is unique.
    """
    whole = f"{key}/{sender.public_id}/{template_version.pk}"
    found = Stream.objects.filter(key=whole).first()
    if found is None:
        try:
            with transaction.atomic():
                found = open_stream(
                    title, sender=sender, template_version=template_version, **kwargs
                )
                Stream.objects.filter(pk=found.pk).update(key=whole)
        except IntegrityError:  # somebody else opened it at the same moment
            found = Stream.objects.get(key=whole)
    return found


@transaction.atomic
def write_message(
    stream: Stream,
    *,
    contact: Contact,
    key: str,
    data: dict[str, Any] | None = None,
    quiet_hours: str = "",
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> Message:
    """Write one message to one person, and wake the lanes; a second one under its key is the first.

    `data` joins the stream's; `quiet_hours` overrides the stream's policy. It is held until `not_before`, and never
    goes out after `expires_at`. Whoever may not be written to gets a skipped message that says why.
    """
    stream = Stream.objects.select_for_update(no_key=True).get(pk=stream.pk)
    why, now = _why_not(contact, stream), clock.now()
    is_later = not_before is not None and not_before > now and not why
    message = Message(
        stream=stream,
        key=key,
        contact=contact,
        address=contact.address(Channel(stream.sender.channel)),
        status=MessageStatus.SKIPPED if why else MessageStatus.PENDING,
        reason=why or (Reason.SCHEDULED if is_later else ""),
        data=data,
        quiet_hours=quiet_hours,
        not_before=not_before if is_later else None,
        expires_at=expires_at,
        created_at=now,
        settled_at=now if why else None,
    )
    Message.objects.bulk_create([message], ignore_conflicts=True)
    if is_later:
        lanes.set_alarm(stream.sender)
    elif not why:
        lanes.ensure_lanes(stream.sender)
    return Message.objects.select_related("stream").get(stream=stream, key=key)


def _why_not(contact: Contact, stream: Stream) -> str:
    """Return why this person gets no message of this stream, or nothing."""
    if stream.status == StreamStatus.CLOSED:
        return Reason.CANCELLED.value
    channel = Channel(stream.sender.channel)
    why = eligibility(channel, purpose=stream.purpose, topic=stream.topic, among=[contact.pk])
    return str(Contact.objects.annotate(why=why).values_list("why", flat=True).get(pk=contact.pk))


@transaction.atomic
def write_messages(
    stream: Stream,
    *,
    lists: Iterable[ContactList],
    joined_before: datetime,
    after: uuid.UUID | None = None,
    limit: int = 10_000,
) -> tuple[uuid.UUID | None, int]:
    """Write the next messages to the members of some lists, in the order of contacts; wake the lanes.

    Every member who had joined by `joined_before` gets exactly one row: pending, or skipped with its
    reason. Returns the last contact, to be given as `after`, and how many rows are new; the contact
    is None when there are no more. Writing the same again adds nothing.
    """
    stream = Stream.objects.select_for_update(no_key=True).get(pk=stream.pk)
    members = _members(lists, joined_before=joined_before, after=after)
    people = members.values_list("contact", flat=True).distinct().order_by("contact")
    last = people[limit - 1 : limit].first()
    chunk = members if last is None else members.filter(contact__lte=last)
    written = _insert(Contact.objects.filter(pk__in=chunk.values("contact")), stream=stream)
    lanes.ensure_lanes(stream.sender)
    return last, written


@transaction.atomic
def pause_stream(stream: Stream) -> None:
    """Let nothing more go out; what was never attempted is pending again. Raises Conflict when closed."""
    _move(stream, allowed=[StreamStatus.OPEN, StreamStatus.PAUSED], to=StreamStatus.PAUSED)
    dissolve_frozen(stream)


@transaction.atomic
def resume_stream(stream: Stream) -> None:
    """Go on with a paused stream. Raises Conflict when it is closed."""
    _move(stream, allowed=[StreamStatus.OPEN, StreamStatus.PAUSED], to=StreamStatus.OPEN)
    lanes.ensure_lanes(stream.sender)


@transaction.atomic
def close_stream(stream: Stream) -> None:
    """End a stream for good: what was never attempted is skipped as cancelled. Again: no change."""
    _move(stream, allowed=list(StreamStatus), to=StreamStatus.CLOSED)
    dissolve_frozen(stream)
    ours = Message.objects.filter(stream=stream)
    for waiting in (ours.due(), ours.held()):
        waiting.update(
            status=MessageStatus.SKIPPED,
            reason=Reason.CANCELLED,
            not_before=None,
            settled_at=clock.now(),
        )


def tally(stream: Stream) -> Tally:
    """Count the messages of a stream by status and reason, all at one moment, from indexes alone."""
    by_status = dict.fromkeys(MessageStatus.values, 0)
    reasons: dict[str, int] = {}
    holds: list[Hold] = []
    for status, reason, count, first, last in _counts(Message.objects.filter(stream=stream)):
        by_status[status] += count
        if status == MessageStatus.PENDING and first is not None:
            holds.append(Hold(reason, count, first, last))
        elif reason:
            reasons[reason] = reasons.get(reason, 0) + count
    holds.sort(key=lambda hold: (-hold.count, hold.reason))
    return Tally(total=sum(by_status.values()), **by_status, reasons=reasons, holds=tuple(holds))


def _counts(ours: MessageQuerySet) -> QuerySet[Message, Any]:
    """Return (status, reason, count, first moment, last moment) of what is held, what is due and what is handled.

    One statement, so that what moves on meanwhile is counted once. Rows are counted and no column of theirs, and what
    is due is not asked for its status: else each message would be fetched, and not its entry in an index alone.
    """
    pending, none = Value(MessageStatus.PENDING.value), Value(None, output_field=DateTimeField())
    held = ours.held().values_list(pending, "reason")
    due = ours.due().values_list(pending, Value(""))
    handled = ours.handled().values_list("status", "reason")
    return held.annotate(count=Count("*"), first=Min("not_before"), last=Max("not_before")).union(
        due.annotate(count=Count("*"), first=none, last=none),
        handled.annotate(count=Count("*"), first=none, last=none),
        all=True,
    )


def _members(
    lists: Iterable[ContactList], *, joined_before: datetime, after: uuid.UUID | None
) -> QuerySet[ListMember]:
    """Return the memberships from before a moment, of contacts behind `after`: a range of one index per list."""
    members = ListMember.objects.filter(
        list__in=[each.pk for each in lists], added_at__lte=joined_before
    )
    return members.filter(contact__gt=after) if after else members


def _insert(people: QuerySet[Contact], *, stream: Stream) -> int:
    """Write a message for each person: pending, or skipped with the reason.

    The reason is found in a subquery with an order, which no planner dissolves: so it is asked once per person and
    not once per column that depends on it.
    """
    inner, inner_params = _with_reasons(people, stream=stream).query.sql_with_params()
    now = connection.ops.adapt_datetimefield_value(clock.now())
    stream_key = Stream._meta.pk.get_db_prep_value(stream.pk, connection)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messaging_message (stream_id, key, contact_id, address, status, reason,"  # noqa: S608
            " detail, provider_id, created_at, settled_at)"
            " SELECT %s, by_key, id, to_address,"
            " CASE WHEN why = '' THEN 'pending' ELSE 'skipped' END, why, '', '', %s,"
            f" CASE WHEN why = '' THEN NULL ELSE {_moment_placeholder()} END"
            f" FROM ({inner}) AS people WHERE true ON CONFLICT DO NOTHING",
            [stream_key, now, now, *inner_params],
        )
        return cursor.rowcount


def _moment_placeholder() -> str:
    return "%s::timestamptz" if connection.vendor == "postgresql" else "%s"


def _with_reasons(people: QuerySet[Contact], *, stream: Stream) -> QuerySet[Contact, Any]:
    """Return (id, by_key, to_address, why) of people in order; in a closed stream everybody is cancelled."""
    channel = Channel(stream.sender.channel)
    reason: Any = eligibility(channel, purpose=stream.purpose, topic=stream.topic)
    if stream.status == StreamStatus.CLOSED:
        reason = Value(Reason.CANCELLED.value, output_field=CharField())
    columns = people.annotate(
        by_key=Replace(Cast("pk", CharField(max_length=36)), Value("-"), Value("")),
        to_address=Coalesce(F(channel.address_field), Value("")),
        why=reason,
    )
    return columns.order_by("pk").values_list("id", "by_key", "to_address", "why")


def _move(stream: Stream, *, allowed: list[StreamStatus], to: StreamStatus) -> None:
    moved = Stream.objects.filter(pk=stream.pk, status__in=allowed).update(status=to)
    stream.refresh_from_db(fields=["status"])
    if not moved:
        raise Conflict(
            f"The stream “{stream.title}” is {stream.get_status_display().lower()}.",
            field="status",
            value=stream.status,
        )
