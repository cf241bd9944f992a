"""What staff say when they load a file."""

from __future__ import annotations

from typing import Any

from django import forms

from imports.models import CsvBatch


class UploadForm(forms.ModelForm):
    """A file of contacts, where they go, and what they agreed to."""

    file = forms.FileField(help_text="A table with a column of e-mail addresses.")
    list_name = forms.CharField(
        label="List",
        max_length=120,
        required=False,
        help_text="Everybody in the file joins it; made if there is none of that name.",
    )
    consent_source = forms.CharField(max_length=200, required=False)
    consent_wording = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3}))

    class Meta:
        model = CsvBatch
        fields: tuple[Any, ...] = ()
        exclude = ("file",)  # noqa: DJ006 - what is uploaded is stored first, under the same name

    field_order = ("file", "list_name", "consent_source", "consent_wording")
