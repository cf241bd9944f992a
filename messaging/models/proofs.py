"""Proofs: a template version sent to one address of a person's choice, to be looked at."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core import clock
from core.ids import PublicIdModel
from messaging.models.outbox import Sender
from messaging.models.people import Contact
from messaging.models.templates import TemplateVersion


class ProofStatus(models.TextChoices):
    """What became of a proof."""

    QUEUED = "queued", "On its way"
    SENDING = "sending", "Being handed over"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


class Proof(PublicIdModel):
    """One test of a template through a real sender, outside of consent, written as for `contact`.

    It stands in no stream and counts in no campaign. `payload` is what is handed over: the same bytes
    at every attempt, under one key.
    """

    id_prefix = "prf"
    Status = ProofStatus

    version = models.ForeignKey(TemplateVersion, on_delete=models.PROTECT, related_name="proofs")
    sender = models.ForeignKey(Sender, on_delete=models.PROTECT, related_name="+")
    address = models.CharField(max_length=254)
    contact = models.ForeignKey(
        Contact, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    payload = models.BinaryField()
    status = models.CharField(max_length=8, choices=ProofStatus, default=ProofStatus.QUEUED)
    provider_id = models.CharField(max_length=64, blank=True)
    problem = models.CharField(max_length=500, blank=True)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="proof_status_is_known", condition=Q(status__in=ProofStatus.values)
            )
        ]

    def __str__(self) -> str:
        return self.public_id
