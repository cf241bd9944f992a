"""Prices and budgets for staff."""

from __future__ import annotations

from typing import Any, ClassVar

from django.forms import ModelForm
from django.http import HttpRequest

from core.admin import ModelAdmin, TabularInline, display, register
from core.audit import actor_of
from enrichment.actions.money import remove_budget, set_budget, set_price
from enrichment.forms import BudgetForm
from enrichment.models import Budget, BudgetUse, ModelPrice
from enrichment.pricing import in_dollars

PRICES = ("input_price", "cached_price", "output_price")


@register(ModelPrice)
class ModelPriceAdmin(ModelAdmin):
    """What models cost. A price that was used is never changed: a new one holds from a later day on."""

    empty_text = (
        "A model without a price is not asked. Enter its provider's: US dollars per million tokens."
    )
    list_display = ("model", "valid_from", *PRICES)
    list_filter = ("model",)
    search_fields: ClassVar = ["model"]
    fields = ("model", "valid_from", *PRICES)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: ModelPrice, form: ModelForm[ModelPrice], change: bool
    ) -> None:
        given = {name: form.cleaned_data[name] for name in ("valid_from", *PRICES)}
        obj.pk = set_price(form.cleaned_data["model"], **given, actor=actor_of(request)).pk


class UseInline(TabularInline):
    """How a budget stands, period by period."""

    model = BudgetUse
    verbose_name_plural = "period by period"
    hide_title = True
    fields = ("period", "spent", "reserved")
    readonly_fields = fields
    ordering = ("-period",)
    can_delete = False
    max_num = 0
    per_page = 20

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @display(description="Spent")
    def spent(self, use: BudgetUse) -> str:
        return in_dollars(use.spent_micros)

    @display(description="Set aside")
    def reserved(self, use: BudgetUse) -> str:
        return in_dollars(use.reserved_micros)


@register(Budget)
class BudgetAdmin(ModelAdmin):
    """The most that may be spent."""

    empty_text = "Without a budget nothing limits what AI may cost. Set one for each day and each month first."
    form = BudgetForm
    list_display = ("scope", "subject", "cap", "latest")
    list_filter = ("scope",)
    fields = ("scope", "subject", "cap")

    def get_inlines(self, request: HttpRequest, obj: Any = None) -> Any:
        return (UseInline,) if obj else ()

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        kwargs["fields"] = ("scope", "subject")
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("scope", "subject") if obj else ()

    def save_model(
        self, request: HttpRequest, obj: Budget, form: ModelForm[Budget], change: bool
    ) -> None:
        assert isinstance(form, BudgetForm)
        scope, subject = (
            (obj.scope, obj.subject)
            if change
            else (form.cleaned_data["scope"], form.cleaned_data["subject"])
        )
        saved = set_budget(
            scope, subject=subject, cap_micros=form.cap_micros, actor=actor_of(request)
        )
        obj.pk, obj.cap_micros = saved.pk, saved.cap_micros

    def delete_model(self, request: HttpRequest, obj: Budget) -> None:
        remove_budget(obj, actor=actor_of(request))

    @display(description="At most", ordering="cap_micros")
    def cap(self, budget: Budget) -> str:
        return in_dollars(budget.cap_micros)

    @display(description="Latest period")
    def latest(self, budget: Budget) -> str:
        use = budget.uses.order_by("-period").first()
        return f"{use.period}: {in_dollars(use.spent_micros)}" if use else "–"
