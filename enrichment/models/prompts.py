"""Prompts: what a model is told, in versions that never change."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from core.clock import now
from core.ids import PublicIdModel


class Prompt(PublicIdModel):
    """One kind of question, known by its name."""

    id_prefix = "prm"

    name = models.SlugField(max_length=80, unique=True)
    description = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def latest(self) -> PromptVersion | None:
        """The version that new questions use."""
        return self.versions.order_by("-number").first()


class PromptVersion(PublicIdModel):
    """Text, model, parameters and the JSON schema of the answer, as they were saved. Never changed."""

    id_prefix = "prv"

    prompt = models.ForeignKey(Prompt, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField(help_text="What the model is told before it sees the data.")
    model = models.CharField(max_length=100)
    params = models.JSONField(default=dict, blank=True)
    max_tokens = models.PositiveIntegerField(
        help_text="The longest answer, thinking included; it bounds what a call can cost."
    )
    schema = models.JSONField(help_text="The JSON schema that the answer must have.")
    sha256 = models.CharField(max_length=64, editable=False)
    created_by = models.CharField(max_length=160, editable=False)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        ordering: ClassVar = ["prompt__name", "-number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["prompt", "number"], name="prompt_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.prompt.name} {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert; a version that stands is never written again."""
        if not self._state.adding:
            raise TypeError(f"{self} was saved before and does not change.")
        super().save(*args, **kwargs)
