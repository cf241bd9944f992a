"""The price of a model on a day; a model without one is not asked."""

from __future__ import annotations

from datetime import date

from django.utils import timezone

from core import clock
from core.errors import Refused
from enrichment.models import ModelPrice


def price_of(model: str, *, on: date | None = None) -> ModelPrice:
    """Return the price that holds on a day, today unless said; raise Refused where there is none."""
    day = on or timezone.localtime(clock.now()).date()
    found = ModelPrice.objects.filter(model=model, valid_from__lte=day).order_by("-valid_from")
    if price := found.first():
        return price
    raise Refused(
        f"There is no price for the model {model!r} on {day:%Y-%m-%d}, so nothing is asked of it.",
        field="model",
        value=model,
        remedy="Enter what it costs under Set up → Model prices, as its provider's price list says.",
        code="no_price",
    )
