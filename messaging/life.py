"""The life of a message after it was handed over, from what its provider tells: in any order, any number of times.

    queued < sending < sent < delivered < opened < clicked       goes forward only
    bounced, complained, failed, suppressed, unsubscribed        flags, each with its own moment

Applying happenings commutes and repeating one changes nothing: a message's life depends on what happened to it
and never on the order in which we heard of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.db.models import TextChoices


class Stage(TextChoices):
    """What can happen to a message; the first six in this order."""

    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    OPENED = "opened", "Opened"
    CLICKED = "clicked", "Clicked"
    FAILED = "failed", "Failed"  #: the provider took it and gave up
    SUPPRESSED = "suppressed", "Suppressed by the provider"
    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Complained"
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"


FORWARD = (
    Stage.QUEUED,
    Stage.SENDING,
    Stage.SENT,
    Stage.DELIVERED,
    Stage.OPENED,
    Stage.CLICKED,
)
#: Troubles with a reason, the gravest last.
TROUBLES = (Stage.FAILED, Stage.SUPPRESSED, Stage.BOUNCED, Stage.COMPLAINED)
#: Stages with a moment of their own, in a column `<stage>_at`.
MOMENTS = (Stage.DELIVERED, Stage.OPENED, Stage.CLICKED, *TROUBLES, Stage.UNSUBSCRIBED)
#: By one of these its way to the person has ended.
ENDS = (
    Stage.DELIVERED,
    Stage.OPENED,
    Stage.CLICKED,
    Stage.FAILED,
    Stage.SUPPRESSED,
    Stage.BOUNCED,
)
REASON_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to a message; `reason` tells of a trouble."""

    stage: Stage
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """Where a message's life stands: the furthest stage, the moments, and the reason of its gravest trouble."""

    delivery: str = ""
    trouble: str = ""
    moments: dict[Stage, datetime] = field(default_factory=dict)

    def after(self, happenings: Iterable[Happening]) -> Life:
        """Return the life with these happenings in it."""
        life = self
        for happening in happenings:
            life = life._with(happening)
        return life

    def _with(self, happening: Happening) -> Life:
        stage = happening.stage
        return replace(
            self,
            delivery=_further(self.delivery, stage),
            trouble=self._trouble_after(happening),
            moments=self._moments_after(stage, happening.at),
        )

    def _moments_after(self, stage: Stage, at: datetime) -> dict[Stage, datetime]:
        if stage not in MOMENTS:
            return self.moments
        return {**self.moments, stage: min(at, self.moments.get(stage, at))}

    def _trouble_after(self, happening: Happening) -> str:
        """The gravest trouble's reason stays; of two alike, the one that comes first in the alphabet."""
        if happening.stage not in TROUBLES:
            return self.trouble
        told = trouble_text(happening)
        return max(self.trouble, told, key=_gravity) if self.trouble else told


def is_over(life: Life) -> bool:
    """Whether its provider has told how handing it on ended; it may still be opened, or complained about."""
    return any(stage in life.moments for stage in ENDS)


def trouble_text(happening: Happening) -> str:
    """Return `bounced: Permanent, General` and the like, as it is stored."""
    text = (
        f"{happening.stage.value}: {happening.reason}"
        if happening.reason
        else happening.stage.value
    )
    return text[:REASON_LENGTH]


def _further(present: str, stage: Stage) -> str:
    if stage not in FORWARD:
        return present
    return max(present, stage.value, key=_rank)


def _rank(delivery: str) -> int:
    return FORWARD.index(Stage(delivery)) if delivery else -1


def _gravity(trouble: str) -> tuple[int, tuple[int, ...]]:
    stage = Stage(trouble.partition(":")[0])
    return TROUBLES.index(stage), tuple(-ord(letter) for letter in trouble)
