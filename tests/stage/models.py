"""Where database steps of the crash tests leave their effect."""

from __future__ import annotations

from django.db import models


class Effect(models.Model):
    run = models.CharField(max_length=40)
    step = models.CharField(max_length=40)
    point = models.CharField(max_length=40)
