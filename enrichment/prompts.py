"""Prompts by their names. What comes with the house is installed when first needed, and overwrites nobody's work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from core.audit import SYSTEM
from core.errors import Conflict, NotFound
from enrichment.actions.prompts import create_prompt, save_version
from enrichment.models import SANDBOX, Prompt, PromptVersion


@dataclass(frozen=True)
class Shipped:
    """A prompt as it comes with the code of an app."""

    name: str
    description: str
    text: str
    schema: Mapping[str, Any]
    max_tokens: int = 2_000
    params: Mapping[str, Any] = field(default_factory=dict)


_shipped: dict[str, Shipped] = {}


def register(prompt: Shipped) -> None:
    """Bring a prompt with an app, from its `ready()`."""
    _shipped[prompt.name] = prompt


def shipped() -> list[Shipped]:
    return [_shipped[name] for name in sorted(_shipped)]


def version_of(name: str) -> PromptVersion:
    """Return the version of a prompt that questions use now; raise NotFound for an unknown name.

    A shipped one that no model was asked with yet, beside the sandbox, follows OPENAI_MODEL: so the model may be named
    after everything was tried out.
    """
    prompt = Prompt.objects.filter(name=name).first()
    latest = prompt.latest if prompt else None
    if name in _shipped and (latest is None or _may_follow(latest)):
        return install(_shipped[name])
    if latest is None:
        known = ", ".join(sorted({*_shipped, *Prompt.objects.values_list("name", flat=True)}))
        raise NotFound(
            f"There is no prompt {name!r}.",
            field="prompt",
            value=name,
            remedy=f"Known are: {known}.",
        )
    return latest


def _may_follow(latest: PromptVersion) -> bool:
    if latest.created_by != SYSTEM or latest.model == settings.OPENAI_MODEL:
        return False
    return not latest.calls.exclude(provider=SANDBOX).exists()


def install(wanted: Shipped) -> PromptVersion:
    """Bring a shipped prompt up to date; one whose latest version a person wrote is left alone."""
    prompt = create_prompt(wanted.name, description=wanted.description, actor=SYSTEM)
    latest = prompt.latest
    if latest and latest.created_by != SYSTEM:
        return latest
    try:
        return save_version(
            prompt,
            text=wanted.text,
            model=settings.OPENAI_MODEL,
            params=dict(wanted.params),
            max_tokens=wanted.max_tokens,
            schema=dict(wanted.schema),
            actor=SYSTEM,
        )
    except Conflict:  # another worker installed it at the same moment
        return prompt.versions.latest("number")
