"""Prompts and their versions: a version is saved once and never changed."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from core import audit
from core.errors import Conflict, Refused
from enrichment.composing import PARAMS, sha256_of
from enrichment.models import Prompt, PromptVersion
from enrichment.schemas import flaws

LONGEST_ANSWER = 128_000


def create_prompt(name: str, *, actor: str, description: str = "") -> Prompt:
    """Return the prompt of a name, made if there is none."""
    prompt, is_new = Prompt.objects.get_or_create(name=name, defaults={"description": description})
    if is_new:
        audit.record("prompt.created", prompt, actor=actor)
    return prompt


def save_version(
    prompt: Prompt,
    *,
    text: str,
    model: str,
    schema: dict[str, Any],
    max_tokens: int,
    actor: str,
    params: dict[str, Any] | None = None,
) -> PromptVersion:
    """Save content as the next version; content equal to the latest returns that. Raises Refused, naming the field."""
    content = {
        "text": text.strip(),
        "model": model.strip(),
        "params": params or {},
        "max_tokens": max_tokens,
        "schema": schema,
    }
    _check(content)
    checksum = sha256_of(content)
    latest = prompt.latest
    if latest and latest.sha256 == checksum:
        return latest
    version = PromptVersion(
        prompt=prompt,
        number=latest.number + 1 if latest else 1,
        sha256=checksum,
        created_by=actor,
        **content,
    )
    try:
        with transaction.atomic():
            version.save(force_insert=True)
            audit.record("prompt.version_saved", version, actor=actor, prompt=prompt.public_id)
    except IntegrityError:
        raise Conflict(
            f"Somebody saved version {version.number} of {prompt.name} at the same moment.",
            remedy="Look at it, then save again.",
        ) from None
    return version


def _check(content: dict[str, Any]) -> None:
    if not content["text"]:
        raise Refused("A prompt needs text.", field="text", remedy="Say what is asked.")
    if not content["model"]:
        raise Refused(
            "A prompt needs a model.", field="model", remedy="Name one, such as gpt-5.4-mini."
        )
    if not isinstance(content["params"], dict) or (unknown := set(content["params"]) - PARAMS):
        raise Refused(
            f"These parameters cannot be set: {', '.join(sorted(unknown))}."
            if isinstance(content["params"], dict)
            else "Parameters are a JSON object.",
            field="params",
            value=content["params"],
            remedy=f"There are: {', '.join(sorted(PARAMS))}.",
        )
    if not 1 <= content["max_tokens"] <= LONGEST_ANSWER:
        raise Refused(
            f"An answer of {content['max_tokens']} tokens cannot be asked for.",
            field="max_tokens",
            value=content["max_tokens"],
            remedy=f"Say 1 to {LONGEST_ANSWER:,}.",
        )
    if wrong := list(flaws(content["schema"])):
        raise Refused(
            f"The schema is not strict: {wrong[0]}",
            field="schema",
            remedy="Close every object, and require every property.",
        )
