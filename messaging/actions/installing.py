"""Installing the templates that come with the house: as often as one likes, over nobody's own work."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import Conflict
from messaging.actions.templates import create_template, save_version
from messaging.models import Template
from messaging.shipped import ShippedTemplate, shipped_templates

#: Who wrote a version that came with the house.
AUTHOR = "shipped"


@dataclass(frozen=True)
class Installed:
    """What became of one template: `installed`, `updated`, `up to date` or `kept`."""

    name: str
    outcome: str
    why: str = ""


def install_templates(*, actor: str) -> list[Installed]:
    """Bring every shipped template in; where a person wrote the latest version, leave it alone."""
    return [install_template(shipped, actor=actor) for shipped in shipped_templates()]


def install_template(shipped: ShippedTemplate, *, actor: str) -> Installed:
    """Bring one template in, or up to date; where a person wrote the latest version, leave it alone."""
    template = _found_or_made(shipped, actor=actor)
    latest = template.latest
    if template.channel != shipped.channel:
        return Installed(shipped.name, "kept", f"yours is for {template.channel}")
    if latest and latest.created_by != AUTHOR:
        return Installed(shipped.name, "kept", f"{latest.created_by} wrote version {latest.number}")
    version = save_version(template, actor=actor, author=AUTHOR, **shipped.source)
    if latest == version:
        return Installed(shipped.name, "up to date", f"version {version.number}")
    return Installed(
        shipped.name, "updated" if latest else "installed", f"version {version.number}"
    )


def _found_or_made(shipped: ShippedTemplate, *, actor: str) -> Template:
    found = Template.objects.filter(name__iexact=shipped.name).first()
    if found:
        return found
    try:
        return create_template(name=shipped.name, channel=shipped.channel, actor=actor)
    except Conflict:  # somebody else installs at the same moment
        return Template.objects.get(name__iexact=shipped.name)
