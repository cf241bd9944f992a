"""The people at an event: who is registered, and each one's way through a funnel."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Q

from core import clock
from core.ids import PublicIdModel
from funnels.models.events import Event
from funnels.models.funnels import FunnelVersion
from funnels.models.launches import Launch
from funnels.planning import PersonFacts
from funnels.states import Attendance, AttendanceSource, EnrollmentStatus, RegistrationStatus
from messaging.models import Contact, Message
from messaging.models.outbox import MessageQuerySet
from messaging.states import MessageStatus


class Registration(PublicIdModel):
    """One person at one event, once: whether they want to come, and whether they came."""

    id_prefix = "reg"

    event = models.ForeignKey(Event, models.PROTECT, related_name="registrations", db_index=False)
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="registrations")
    status = models.CharField(
        max_length=10,
        choices=RegistrationStatus,
        default=RegistrationStatus.REGISTERED,
        editable=False,
    )
    attendance = models.CharField(
        max_length=8, choices=Attendance, default=Attendance.UNKNOWN, editable=False
    )
    attendance_source = models.CharField(
        max_length=6,
        choices=AttendanceSource,
        default=AttendanceSource.NOBODY,
        blank=True,
        editable=False,
    )
    attended_seconds = models.PositiveIntegerField(default=0, editable=False)
    attendance_note = models.CharField(max_length=200, blank=True, editable=False)
    #: When it was last said whether they came, the same again included: whoever said it before is outdated since.
    attendance_said_at = models.DateTimeField(null=True, editable=False)
    #: What messages that went out have taken for granted: `attended` or `no_show`.
    told = models.CharField(max_length=8, blank=True, editable=False)
    zoom_registrant_id = models.CharField(max_length=64, blank=True, editable=False)
    join_url = models.URLField("link of their own", max_length=1000, blank=True, editable=False)
    zoom_problem = models.CharField(max_length=300, blank=True, editable=False)
    registered_at = models.DateTimeField(default=clock.now, editable=False)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-registered_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "contact"], name="person_is_registered_once"),
            models.CheckConstraint(
                name="registration_words_are_known",
                condition=Q(
                    status__in=RegistrationStatus.values,
                    attendance__in=Attendance.values,
                    attendance_source__in=AttendanceSource.values,
                    told__in=["", Attendance.ATTENDED, Attendance.NO_SHOW],
                ),
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                name="registration_by_registrant",
                fields=["zoom_registrant_id"],
                condition=~Q(zoom_registrant_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact} at {self.event}"

    @property
    def is_registered(self) -> bool:
        return self.status == RegistrationStatus.REGISTERED

    @property
    def own_data(self) -> dict[str, Any] | None:
        """What stands in this person's messages and in no other's."""
        return {"event": {"join_url": self.join_url}} if self.join_url else None

    def messages(self) -> MessageQuerySet:
        """Return what was written to this person about this event."""
        return messages_to([self.contact_id], event=self.event_id)

    @cached_property
    def reminders_sent(self) -> list[dict[str, Any]]:
        """What was handed over to this person about this event: type, sent_at, channel, message id."""
        remember_reminders([self])
        return self.reminders_sent


def messages_to(contacts: Collection[UUID], *, event: UUID) -> MessageQuerySet:
    """Return what was written to these people about an event."""
    ours = Message.objects.filter(contact__in=contacts)
    return ours.filter(stream__funnel_step__launch__event=event)


def remember_reminders(registrations: Iterable[Registration]) -> None:
    """Find what was handed over to each of these people, in one query, for their `reminders_sent`."""
    mine = {(each.contact_id, each.event_id): each for each in registrations}
    for each in mine.values():
        each.reminders_sent = []
    sent = Message.objects.filter(
        contact__in={contact for contact, _ in mine},
        stream__funnel_step__launch__event__in={event for _, event in mine},
        status=MessageStatus.SENT,
    ).order_by("settled_at", "pk")
    for message in sent.select_related("stream__funnel_step__step", "stream__funnel_step__launch"):
        place = message.stream.funnel_step
        owner = mine.get((message.contact_id, place.launch.event_id))
        if owner is not None:
            owner.reminders_sent.append(
                {
                    "type": place.step.name,
                    "sent_at": message.settled_at,
                    "channel": place.channel,
                    "message_id": message.public_id,
                }
            )


class Enrollment(PublicIdModel):
    """One registration's way through one funnel: its version, its run, and where it stands."""

    id_prefix = "enr"

    registration = models.ForeignKey(
        Registration, models.PROTECT, related_name="enrollments", db_index=False
    )
    launch = models.ForeignKey(Launch, models.PROTECT, related_name="enrollments", db_index=False)
    version = models.ForeignKey(FunnelVersion, models.PROTECT, related_name="enrollments")
    status = models.CharField(
        max_length=9, choices=EnrollmentStatus, default=EnrollmentStatus.ACTIVE, editable=False
    )
    ended_reason = models.CharField(max_length=60, blank=True, editable=False)
    #: How often this person has begun: who withdraws and comes back begins again.
    round = models.PositiveSmallIntegerField(default=1, editable=False)
    run = models.ForeignKey(
        "jobs.Run", models.SET_NULL, null=True, editable=False, related_name="enrollments"
    )
    enrolled_at = models.DateTimeField(default=clock.now, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-enrolled_at", "-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["registration", "launch"], name="registration_is_enrolled_once"
            ),
            models.CheckConstraint(
                name="enrollment_status_is_known", condition=Q(status__in=EnrollmentStatus.values)
            ),
        ]
        indexes: ClassVar = [
            models.Index(name="enrollment_by_launch", fields=["launch", "status", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.registration.contact} in {self.launch.funnel}"

    @property
    def person(self) -> PersonFacts:
        """What matters of this person; `registration` should be at hand."""
        registration = self.registration
        return PersonFacts(
            enrolled_at=self.enrolled_at,
            attendance=registration.attendance,
            told=registration.told,
            is_registered=registration.is_registered,
        )
