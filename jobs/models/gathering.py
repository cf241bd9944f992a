"""Runs that have not begun and still take in what comes."""

from __future__ import annotations

from django.db import models


class Gathering(models.Model):
    """Where starts meet that become one run: those of a debounced workflow, or the events of a batch.

    Whoever starts one holds this row until it has decided whether it flows into `run` or opens a new one. A run that
    has begun takes in nothing more, whatever stands here.
    """

    key = models.CharField(max_length=200, primary_key=True)
    run = models.ForeignKey("jobs.Run", on_delete=models.SET_NULL, null=True, related_name="+")
    count = models.IntegerField(default=0, help_text="how many starts it has taken in")

    def __str__(self) -> str:
        return self.key
