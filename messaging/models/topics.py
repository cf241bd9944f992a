"""What people may choose by: topics, and what each person said about them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from core import clock
from core.ids import PublicIdModel
from messaging.channels import Channel
from messaging.models.consent import ConsentState
from messaging.models.people import Contact


class Topic(PublicIdModel):
    """What a message is about, as people see it on their preference page.

    Who agreed to a channel gets its topics until they decline one; a topic that is `opt_in` goes only to
    those who chose it.
    """

    id_prefix = "top"

    name = models.CharField(max_length=120)
    description = models.CharField(
        max_length=300, blank=True, help_text="One sentence for the people who choose."
    )
    is_opt_in = models.BooleanField(
        "opt-in", default=False, help_text="It goes only to people who chose it themselves."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(Lower("name"), name="topic_name_is_unique")]

    def __str__(self) -> str:
        return self.name


class TopicChoice(models.Model):
    """What a person last said about a topic on a channel; most never said anything and have no row."""

    contact = models.ForeignKey(
        Contact, on_delete=models.PROTECT, related_name="topic_choices", db_index=False
    )
    topic = models.ForeignKey(
        Topic, on_delete=models.PROTECT, related_name="choices", db_index=False
    )
    channel = models.CharField(max_length=8, choices=Channel.choices)
    state = models.CharField(max_length=16, choices=ConsentState.choices)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "topic", "channel"], name="topic_choice_is_one_per_channel"
            ),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="topic_choice_channel_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ConsentState.values), name="topic_choice_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} ({self.get_channel_display()}): {self.get_state_display()}"
