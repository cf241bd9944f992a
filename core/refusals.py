"""A form whose action refuses is shown again, as it was filled in, with the reason beside its field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.http import HttpRequest, HttpResponse

from core.errors import Refused


class RefusalsMixin(ModelAdmin):
    """Lets `save_model` raise Refused: nothing is changed, and the person is told in the form."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except Refused as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]
            return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> type[forms.ModelForm]:
        form: type[forms.ModelForm] = super().get_form(request, *args, **kwargs)
        refusal = getattr(request, "refusal", None)
        return refusing(form, refusal) if refusal else form


def refusing(form: type[forms.ModelForm], refusal: Refused) -> type[forms.ModelForm]:
    """Return a form that is invalid for one reason more."""

    class Refusing(form):  # type: ignore[misc, valid-type]
        def clean(self) -> dict[str, Any]:
            cleaned: dict[str, Any] = super().clean()
            field = refusal.field if refusal.field in self.fields else None
            self.add_error(field, str(refusal))
            return cleaned

    return Refusing
