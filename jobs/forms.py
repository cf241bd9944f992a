"""What staff are asked before they do something to a run."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from jobs import registry
from jobs.holds import queues
from jobs.models import Hold
from jobs.slots import hold_of_queue, hold_of_workflow


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


def what_can_be_paused() -> list[tuple[str, Any]]:
    workflows = registry.everything()
    return [
        ("", "Choose a workflow or a queue"),
        ("Workflows", [(hold_of_workflow(each.name), each.name) for each in workflows]),
        ("Queues", [(hold_of_queue(name), f"everything in {name}") for name in queues()]),
    ]


class HoldForm(forms.ModelForm):
    """What nobody is to take up."""

    what = forms.ChoiceField(
        choices=what_can_be_paused,
        help_text="Runs that a worker drives go on to their next wait or their end.",
    )

    class Meta:
        model = Hold
        fields: ClassVar[list[Any]] = []
