"""The words of funnels: where things stand, what steps may say, and the only moves between states."""

from __future__ import annotations

from django.db.models import TextChoices


class EventStatus(TextChoices):
    """Where an event stands."""

    PLANNED = "planned", "Planned"  #: to come, under way, or over and not settled yet
    COMPLETED = "completed", "Completed"  #: it is known who came
    CANCELLED = "cancelled", "Cancelled"  #: for good: nothing more goes out


class RegistrationStatus(TextChoices):
    """Whether a person wants to come."""

    REGISTERED = "registered", "Registered"
    WITHDRAWN = "withdrawn", "Withdrawn"


class Attendance(TextChoices):
    """Whether a person came."""

    UNKNOWN = "unknown", "Not known yet"
    ATTENDED = "attended", "Attended"
    NO_SHOW = "no_show", "No-show"


class AttendanceSource(TextChoices):
    """Who says so. What a person says stands against what Zoom says."""

    NOBODY = "", "Nobody yet"
    ZOOM = "zoom", "Zoom"
    PERSON = "person", "A person"


class LaunchStatus(TextChoices):
    """Where a funnel stands that was launched for an event."""

    LIVE = "live", "Live"
    PAUSED = (
        "paused",
        "Paused",
    )  #: what waits is held; when it goes on, what is late by then is skipped
    ENDED = "ended", "Ended"


class EnrollmentStatus(TextChoices):
    """Where a person's way through a funnel stands."""

    ACTIVE = "active", "Active"
    COMPLETED = "completed", "Completed"  #: the moment of the last message has passed
    ENDED = "ended", "Ended"  #: the person withdrew, or the event was cancelled


class Anchor(TextChoices):
    """What the moment of a step is counted from."""

    ENROLLED = "enrolled", "enrolment"
    START = "start", "the event's start"
    END = "end", "the event's end"
    SETTLED = "settled", "it is known who came"


class Direction(TextChoices):
    BEFORE = "before", "before"
    AFTER = "after", "after"


class Unit(TextChoices):
    """Minutes and hours pass; days are counted on the calendar of the event's zone."""

    MINUTES = "minutes", "minutes"
    HOURS = "hours", "hours"
    DAYS = "days", "days"


class Condition(TextChoices):
    """For whom a step is."""

    ANY = "any", "Everybody"
    ATTENDED = "attended", "Who attended"
    NO_SHOW = "no_show", "No-shows"


class LatePolicy(TextChoices):
    """What becomes of a step whose moment has passed."""

    SKIP = "skip", "Skip it"
    SEND_NOW = "send_now", "Send it now"


class Why(TextChoices):
    """Why a person does not get a step."""

    ENROLLED_LATE = "enrolled_late", "Enrolled after its moment"
    TOO_LATE = "too_late", "Its moment has passed"
    AFTER_EVENT = "after_event", "It would come after the event"
    OTHER_BRANCH = "other_branch", "For the other branch"
    TOLD_OTHERWISE = "told_otherwise", "Was already told otherwise"
    WITHDRAWN = "withdrawn", "Withdrew"
    CANCELLED = "cancelled", "The event is cancelled"


EVENT_MOVES: dict[EventStatus, frozenset[EventStatus]] = {
    EventStatus.PLANNED: frozenset({EventStatus.COMPLETED, EventStatus.CANCELLED}),
    EventStatus.COMPLETED: frozenset(),
    EventStatus.CANCELLED: frozenset(),
}
REGISTRATION_MOVES: dict[RegistrationStatus, frozenset[RegistrationStatus]] = {
    RegistrationStatus.REGISTERED: frozenset({RegistrationStatus.WITHDRAWN}),
    RegistrationStatus.WITHDRAWN: frozenset({RegistrationStatus.REGISTERED}),
}
LAUNCH_MOVES: dict[LaunchStatus, frozenset[LaunchStatus]] = {
    LaunchStatus.LIVE: frozenset({LaunchStatus.PAUSED, LaunchStatus.ENDED}),
    LaunchStatus.PAUSED: frozenset({LaunchStatus.LIVE, LaunchStatus.ENDED}),
    LaunchStatus.ENDED: frozenset(),
}
ENROLLMENT_MOVES: dict[EnrollmentStatus, frozenset[EnrollmentStatus]] = {
    EnrollmentStatus.ACTIVE: frozenset({EnrollmentStatus.COMPLETED, EnrollmentStatus.ENDED}),
    EnrollmentStatus.COMPLETED: frozenset({EnrollmentStatus.ENDED}),
    EnrollmentStatus.ENDED: frozenset({EnrollmentStatus.ACTIVE}),  # the person enrolled again
}
