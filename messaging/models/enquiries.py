"""Questions to a provider that should have told us, and has not."""

from __future__ import annotations

from django.db import models

from messaging.models.outbox import Message


class Enquiry(models.Model):
    """A message that a provider took: it is asked at `due_at` what became of it, unless it tells before.

    The row is the checkpoint of asking, and is gone once the end is known or nobody asks any more.
    """

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, primary_key=True, related_name="enquiry"
    )
    due_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "enquiries"

    def __str__(self) -> str:
        return self.message.public_id
