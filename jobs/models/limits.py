"""Rate limits."""

from __future__ import annotations

from django.db import models


class Bucket(models.Model):
    """The state of one rate limit (GCRA): seconds since 1970 by the database's clock."""

    key = models.CharField(max_length=200, primary_key=True)
    arrival = models.FloatField(default=0, help_text="theoretical arrival time of the next token")
    paused_until = models.FloatField(default=0)
