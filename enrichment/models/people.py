"""Who may look at a client from outside: a log-in, linked to it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from core.clock import now
from core.ids import PublicIdModel
from enrichment.models.clients import Client


class ClientUser(PublicIdModel):
    """A person of a client, with a log-in. The person sets the password, nobody else."""

    id_prefix = "clu"

    client = models.ForeignKey(Client, models.CASCADE, related_name="users")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="clients")
    created_by = models.CharField(max_length=160, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["client", "user"], name="client_user_once")
        ]
