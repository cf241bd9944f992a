"""Money: what models cost, what may be spent, and what has been. All amounts are whole micro-dollars."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from core.clock import now
from core.ids import PublicIdModel
from enrichment.states import Scope

PRICE_HELP = "US dollars per million tokens."


class ModelPrice(PublicIdModel):
    """What a model costs from a day on. Calls keep the price that they were reserved under."""

    id_prefix = "prc"

    model = models.CharField(max_length=100)
    valid_from = models.DateField()
    input_price = models.DecimalField(
        "input", max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    cached_price = models.DecimalField(
        "cached input", max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    output_price = models.DecimalField(
        "output", max_digits=12, decimal_places=6, validators=[MinValueValidator(0)]
    )
    created_by = models.CharField(max_length=160, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering: ClassVar = ["model", "-valid_from"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["model", "valid_from"], name="model_price_from"),
            models.CheckConstraint(
                name="model_price_is_not_negative",
                condition=Q(input_price__gte=0, cached_price__gte=0, output_price__gte=0),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} from {self.valid_from}"


class Budget(PublicIdModel):
    """The most that may be spent on each of something. One for a single client or run stands before the general one."""

    id_prefix = "bud"

    scope = models.CharField(max_length=8, choices=Scope)
    subject = models.CharField(
        max_length=40,
        blank=True,
        help_text="The id of one client or run; empty: it holds for each of them.",
    )
    cap_micros = models.BigIntegerField()
    created_by = models.CharField(max_length=160, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering: ClassVar = ["scope", "subject"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scope", "subject"], name="budget_scope_subject"),
            models.CheckConstraint(name="budget_is_not_negative", condition=Q(cap_micros__gte=0)),
            models.CheckConstraint(
                name="budget_scope_is_known", condition=Q(scope__in=Scope.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()} {self.subject}".strip()


class BudgetUse(models.Model):
    """What is set aside and spent of a budget in one period: a day, a month, a client, a run."""

    budget = models.ForeignKey(Budget, models.CASCADE, related_name="uses")
    period = models.CharField(max_length=40)
    reserved_micros = models.BigIntegerField(default=0)
    spent_micros = models.BigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["-period"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["budget", "period"], name="budget_use_period"),
            models.CheckConstraint(
                name="budget_use_is_not_negative",
                condition=Q(reserved_micros__gte=0, spent_micros__gte=0),
            ),
        ]

    @property
    def taken_micros(self) -> int:
        """What nobody else may spend."""
        return self.reserved_micros + self.spent_micros


TAKEN = F("reserved_micros") + F("spent_micros")
