"""What staff say when they load a file."""

from __future__ import annotations

from typing import ClassVar

from django import forms

from imports.models import ImportBatch


class UploadForm(forms.ModelForm):
    """A file of contacts, where they go, and what they agreed to."""

    file = forms.FileField(help_text="CSV with a header row and a column of e-mail addresses.")
    list_name = forms.CharField(
        label="List",
        max_length=120,
        required=False,
        help_text="Everybody in the file joins it; made if there is none of that name.",
    )

    class Meta:
        model = ImportBatch
        fields = ("consent_source", "consent_wording")
        widgets: ClassVar = {"consent_wording": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "consent_source": "Where they agreed to be written to, such as “newsletter form”. Empty: no consent is "
            "recorded, and campaigns skip them.",
            "consent_wording": "To which words they agreed.",
        }

    field_order = ("file", "list_name", "consent_source", "consent_wording")
