"""Closed addresses for staff: why each is closed, closing one by hand, and opening it again."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest

from core.admin import ModelAdmin, button, register
from core.audit import actor_of
from core.errors import Conflict, Refused
from messaging.actions.consent import lift_suppression, suppress_address
from messaging.addresses import address_hash, normalise_email, normalise_phone
from messaging.channels import Channel
from messaging.forms import kept
from messaging.models import Suppression, SuppressionReason

NORMALISE = {Channel.EMAIL: normalise_email, Channel.SMS: normalise_phone}


class SuppressionForm(forms.ModelForm):
    """An address that staff close: it is kept as a hash alone."""

    address = forms.CharField(
        max_length=320, help_text="A whole e-mail address, or a number such as +27 82 555 0134."
    )

    class Meta:
        model = Suppression
        fields = ("channel", "address", "source")
        help_texts: ClassVar = {"source": "How we know, such as 'letter of 3 May'."}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            normalise = NORMALISE[Channel(cleaned["channel"])]
            try:
                cleaned["address"] = kept(normalise, cleaned["address"])
            except forms.ValidationError as error:
                self.add_error("address", error)
        return cleaned


@register(Suppression)
class SuppressionAdmin(ModelAdmin):
    """Addresses that are not written to. They are known by hash; search by the address itself."""

    empty_text = "Addresses that bounce, complain, or that staff suppress are kept here, and are never written to."

    list_display = ("channel", "reason", "source", "created_at")
    list_filter = ("channel", "reason")
    search_fields = ("address_hash",)
    search_help_text = "A whole e-mail address or phone number"
    ordering = ("-pk",)
    show_full_result_count = False

    def get_form(self, *args: Any, **kwargs: Any) -> Any:
        """Return the form that closes an address; there is none that changes one."""
        return super().get_form(*args, **{"form": SuppressionForm, **kwargs})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        own = ("channel", "address", "source")
        return ("channel", "reason", "source", "created_at") if obj else own

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        """Close the address through the same action as every other door."""
        channel = Channel(form.cleaned_data["channel"])
        hashed = address_hash(form.cleaned_data["address"])
        is_new = suppress_address(
            channel,
            hashed,
            reason=SuppressionReason.MANUAL,
            source=form.cleaned_data["source"],
            actor=actor_of(request),
        )
        if not is_new:
            raise Conflict("This address is closed already.", field="address")
        obj.pk = Suppression.objects.get(channel=channel, address_hash=hashed).pk
        obj.refresh_from_db()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Suppression], search_term: str
    ) -> tuple[QuerySet[Suppression], bool]:
        term = search_term.strip()
        return (queryset.filter(address_hash__in=hashes_of(term)) if term else queryset), False

    def has_lift_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("messaging.delete_suppression")

    @button(
        label="Lift",
        permission="lift",
        confirm="Messages may go to this address again, where its owner has agreed to them.",
        is_danger=True,
    )
    def lift(self, request: HttpRequest, suppression: Suppression) -> str:
        lift_suppression(suppression, actor=actor_of(request))
        return "The address is open again."


def hashes_of(term: str) -> list[str]:
    """Return the hashes that an address may be suppressed under."""
    hashes = []
    for normalise in NORMALISE.values():
        try:
            hashes.append(address_hash(normalise(term)))
        except Refused:
            continue
    return hashes
