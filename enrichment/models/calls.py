"""The ledger: one row per call that may cost money, written before the call is made."""

from __future__ import annotations

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from core.clock import now
from core.ids import PublicIdModel
from enrichment.models.clients import Client
from enrichment.models.money import BudgetUse, ModelPrice
from enrichment.models.prompts import PromptVersion
from enrichment.states import CallStatus, Verdict

SANDBOX = "sandbox"


class AiAccount(models.Model):
    """Our account at a provider: paused when it is out of money or its key is refused, until a person resumes it."""

    name = models.CharField(max_length=40, unique=True)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_reason = models.TextField(blank=True, editable=False)

    class Meta:
        verbose_name = "AI account"
        permissions: ClassVar = [("resume_aiaccount", "Can resume a paused AI account")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None


class AiCallQuerySet(models.QuerySet["AiCall"]):
    """The adjectives of calls."""

    def parked(self) -> AiCallQuerySet:
        """Calls that a person must decide about."""
        return self.filter(status=CallStatus.PARKED)

    def paid(self) -> AiCallQuerySet:
        """Calls whose cost is known or counted."""
        return self.filter(status__in=[CallStatus.RECEIVED, CallStatus.ABANDONED])


class AiCall(PublicIdModel):
    """One call: its exact request, its raw answer, what it cost, and who asked for it.

    `key` names the question (run and step) and which asking of it this is. It goes out as metadata, so that a stored
    answer can be found by it.
    """

    id_prefix = "aic"

    key = models.CharField(max_length=320, unique=True, editable=False)
    question = models.CharField(max_length=300, editable=False, help_text="run and step")
    purpose = models.CharField(max_length=80)
    subject = models.CharField(max_length=80, blank=True, help_text="the id of what it is about")
    client = models.ForeignKey(Client, models.SET_NULL, null=True, blank=True, related_name="calls")
    run = models.ForeignKey(
        "jobs.Run", models.SET_NULL, null=True, blank=True, related_name="ai_calls"
    )
    prompt_version = models.ForeignKey(PromptVersion, models.PROTECT, related_name="calls")
    repairs = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="repaired_by"
    )
    provider = models.CharField(max_length=20)
    model = models.CharField(max_length=100)
    input_sha256 = models.CharField(max_length=64)
    request = models.JSONField(encoder=DjangoJSONEncoder)

    status = models.CharField(
        max_length=12, choices=CallStatus, default=CallStatus.RESERVED, editable=False
    )
    verdict = models.CharField(
        max_length=12, choices=Verdict, blank=True, default=Verdict.UNREAD, editable=False
    )
    problem_code = models.CharField(max_length=64, blank=True)
    problem = models.TextField(blank=True)
    #: The provider itself said that the call failed: when it is not found, it may be made again.
    is_denied = models.BooleanField(default=False, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    looks = models.PositiveSmallIntegerField(default=0, editable=False)

    response = models.JSONField(null=True, blank=True, encoder=DjangoJSONEncoder)
    provider_id = models.CharField(max_length=200, blank=True)
    request_id = models.CharField(max_length=200, blank=True)
    tier = models.CharField("service tier", max_length=40, blank=True)
    input_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    reasoning_tokens = models.PositiveIntegerField(default=0)

    price = models.ForeignKey(ModelPrice, models.PROTECT, null=True, blank=True, related_name="+")
    reserved_micros = models.BigIntegerField(default=0)
    cost_micros = models.BigIntegerField(default=0)
    budget_uses = models.ManyToManyField(BudgetUse, related_name="calls", editable=False)

    created_at = models.DateTimeField(default=now, editable=False)
    sent_at = models.DateTimeField(null=True, editable=False)
    received_at = models.DateTimeField(null=True, editable=False)
    decided_by = models.CharField(max_length=160, blank=True, editable=False)

    objects = AiCallQuerySet.as_manager()

    class Meta:
        verbose_name = "AI call"
        ordering: ClassVar = ["-id"]
        permissions: ClassVar = [("decide_aicall", "Can decide about AI calls in doubt")]
        constraints: ClassVar = [
            models.CheckConstraint(
                name="ai_call_status_is_known", condition=Q(status__in=CallStatus.values)
            ),
            models.CheckConstraint(
                name="ai_call_verdict_is_known", condition=Q(verdict__in=Verdict.values)
            ),
            models.CheckConstraint(
                name="ai_call_answer_is_kept",
                condition=~Q(status=CallStatus.RECEIVED) | Q(response__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["purpose", "created_at"], name="ai_call_purpose"),
            models.Index(fields=["subject", "id"], name="ai_call_subject"),
            models.Index(fields=["created_at"], name="ai_call_created"),
            models.Index(fields=["question", "id"], name="ai_call_question"),
            models.Index(
                fields=["created_at"],
                name="ai_call_open",
                condition=Q(status__in=[CallStatus.RESERVED, CallStatus.SENT, CallStatus.UNKNOWN]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.public_id}"

    @property
    def is_sandbox(self) -> bool:
        """No model was asked: the built-in one made it up."""
        return self.provider == SANDBOX
