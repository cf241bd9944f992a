"""What staff are asked before they do something to a run."""

from __future__ import annotations

from django import forms


class ReplayForm(forms.Form):
    """From where, and with what."""

    from_step = forms.CharField(
        label="From step",
        required=False,
        help_text="Empty: from the start. What was completed before this step is taken over.",
    )
    input = forms.JSONField(
        label="Other input",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="Empty: the input it had.",
    )
