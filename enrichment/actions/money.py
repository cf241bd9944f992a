"""Budgets and prices, as staff set them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import IntegrityError, transaction

from core import audit
from core.errors import Conflict, Refused
from enrichment.models import Budget, Client, ModelPrice
from enrichment.states import Scope
from jobs.models import Run

#: A billion dollars: anything above is a slip of the finger.
MOST_MICROS = 10**15
SUBJECTS: dict[str, type[Client] | type[Run]] = {Scope.CLIENT: Client, Scope.RUN: Run}


@transaction.atomic
def set_budget(scope: str, *, cap_micros: int, actor: str, subject: str = "") -> Budget:
    """Set the most that may be spent; raise Refused for a negative amount, or a subject that is none."""
    if scope not in Scope.values:
        raise Refused(
            f"There is no budget for {scope!r}.",
            field="scope",
            value=scope,
            remedy=f"There are: {', '.join(Scope.values)}.",
        )
    _check_amount(cap_micros)
    _check_subject(scope, subject)
    budget, _ = Budget.objects.update_or_create(
        scope=scope,
        subject=subject,
        defaults={"cap_micros": cap_micros},
        create_defaults={"cap_micros": cap_micros, "created_by": actor},
    )
    audit.record("budget.set", budget, actor=actor, cap_micros=cap_micros)
    return budget


def cap_together(group: str, *, cap_micros: int, actor: str) -> Budget:
    """Cap what all calls `within` a run, or another thing that groups them, may cost; said once, it stays.

    Never more than the budget of each run: whoever may ask may spend less than that by this, not more.
    """
    _check_amount(cap_micros)
    general = Budget.objects.filter(scope=Scope.RUN, subject="").first()
    if general:
        cap_micros = min(cap_micros, general.cap_micros)
    budget, is_new = Budget.objects.get_or_create(
        scope=Scope.RUN,
        subject=group,
        defaults={"cap_micros": cap_micros, "created_by": actor},
    )
    if is_new:
        audit.record("budget.set", budget, actor=actor, cap_micros=cap_micros)
    return budget


@transaction.atomic
def remove_budget(budget: Budget, *, actor: str) -> None:
    """Lift a limit."""
    audit.record("budget.removed", budget, actor=actor, cap_micros=budget.cap_micros)
    budget.delete()


def set_price(
    model: str,
    *,
    valid_from: date,
    input_price: Decimal,
    cached_price: Decimal,
    output_price: Decimal,
    actor: str,
) -> ModelPrice:
    """Say what a model costs from a day on; raise Conflict where that was said, Refused for a negative price."""
    prices = {
        "input_price": input_price,
        "cached_price": cached_price,
        "output_price": output_price,
    }
    for name, amount in prices.items():
        if amount < 0:
            raise Refused(
                "A price cannot be negative.",
                field=name,
                value=str(amount),
                remedy="Give 0 or more.",
            )
    price = ModelPrice(model=model.strip(), valid_from=valid_from, created_by=actor, **prices)
    try:
        with transaction.atomic():
            price.save(force_insert=True)
            audit.record("model_price.set", price, actor=actor)
    except IntegrityError:
        raise Conflict(
            f"{model} has a price from {valid_from} on already.",
            field="valid_from",
            value=str(valid_from),
            remedy="Prices are kept as they were; enter the new one from a later day on.",
        ) from None
    return price


def _check_amount(cap_micros: int) -> None:
    if not 0 <= cap_micros <= MOST_MICROS:
        raise Refused(
            "A budget is an amount from $0 up.",
            field="cap",
            value=cap_micros,
            remedy="Say how much may be spent; 0 stops all calls.",
            code="invalid_amount",
        )


def _check_subject(scope: str, subject: str) -> None:
    if not subject:
        return
    if scope not in SUBJECTS:
        raise Refused(
            "A budget of a day or a month holds for everything.",
            field="subject",
            value=subject,
            remedy="Leave it empty.",
        )
    SUBJECTS[scope].from_public_id(subject)
