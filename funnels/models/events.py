"""What people enroll in: a webinar, a class."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from core import clock
from core.ids import PublicIdModel
from core.local_time import zone_named
from funnels.planning import EventFacts
from funnels.states import EventStatus
from funnels.timing import settles_at


class Event(PublicIdModel):
    """Something that begins and ends at a moment, in a zone of its own."""

    id_prefix = "occ"

    title = models.CharField(max_length=200)
    starts_at = models.DateTimeField("starts")
    ends_at = models.DateTimeField("ends")
    time_zone = models.CharField(
        max_length=64, default="UTC", help_text="Days are counted, and times told, in this zone."
    )
    zoom_meeting_id = models.CharField(
        "Zoom meeting",
        max_length=20,
        blank=True,
        validators=[RegexValidator(r"^\d{9,12}$", "A Zoom meeting is 9 to 12 digits.")],
        help_text="Who enrolls is registered with it and gets a link of their own.",
    )
    join_url = models.URLField(
        "link to join", max_length=500, blank=True, help_text="For those without one of their own."
    )
    recording_url = models.URLField("recording", max_length=500, blank=True)
    next_url = models.URLField("link to the next date", max_length=500, blank=True)
    resources = models.JSONField(
        default=list, blank=True, help_text='A list: [{"title": "Slides", "url": "https://…"}]'
    )
    attendance_minutes = models.PositiveSmallIntegerField(
        "minutes to count as attended", default=10, validators=[MaxValueValidator(1440)]
    )
    status = models.CharField(
        max_length=9, choices=EventStatus, default=EventStatus.PLANNED, editable=False
    )
    #: When it really ended, as somebody told; and when Zoom last told that its meeting had.
    ended_at = models.DateTimeField(null=True, editable=False)
    meeting_ended_at = models.DateTimeField(null=True, editable=False)
    #: Since when it is known who came.
    settled_at = models.DateTimeField(null=True, editable=False)
    #: Since when nobody was seen to have come, so that a person must say.
    asks_since = models.DateTimeField(null=True, editable=False)
    #: The run of `funnels.settle`.
    run = models.ForeignKey(
        "jobs.Run", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_by = models.CharField(max_length=200, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        verbose_name_plural = "planned events"
        ordering: ClassVar = ["-starts_at", "-id"]
        permissions: ClassVar = [
            ("enroll_event", "Can enroll people in events and withdraw them"),
            ("control_event", "Can move, cancel and settle events"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="event_status_is_known", condition=Q(status__in=EventStatus.values)
            ),
            models.CheckConstraint(
                name="event_ends_after_it_starts",
                condition=Q(ends_at__gt=F("starts_at")),
                violation_error_message="It would end before it starts.",
            ),
            models.CheckConstraint(
                name="event_completed_is_settled",
                condition=~Q(status=EventStatus.COMPLETED) | Q(settled_at__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(F("starts_at").desc(), F("id").desc(), name="event_latest"),
            models.Index(
                name="event_by_meeting",
                fields=["zoom_meeting_id"],
                condition=~Q(zoom_meeting_id=""),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def zone(self) -> ZoneInfo:
        return zone_named(self.time_zone)

    @property
    def end(self) -> datetime:
        """When it ended as far as anybody told, else when it is to end."""
        return self.ended_at or self.ends_at

    @property
    def settles_at(self) -> datetime:
        """When everything that may be told about who came has been told."""
        return settles_at(self.end, last_heard_end=self.meeting_ended_at)

    @property
    def is_over(self) -> bool:
        return clock.now() >= self.end

    @property
    def facts(self) -> EventFacts:
        return EventFacts(
            starts_at=self.starts_at,
            ends_at=self.end,
            zone=self.zone,
            settles_at=self.settles_at,
            settled_at=self.settled_at,
            is_cancelled=self.status == EventStatus.CANCELLED,
        )

    @property
    def data(self) -> dict[str, Any]:
        """What templates see as `event`; a person's own link to join stands in their message."""
        told = {
            "title": self.title,
            "start_at": self.starts_at.isoformat(),
            "end_at": self.ends_at.isoformat(),
            "time_zone": self.time_zone,
            "join_url": self.join_url,
            "recording_url": self.recording_url,
            "next_url": self.next_url,
            "resources": self.resources,
        }
        return {"event": {name: value for name, value in told.items() if value}}
