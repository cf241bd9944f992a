"""The template of alerts: it comes with the house, is brought in when first needed, and is staff's to rewrite."""

from __future__ import annotations

from pathlib import Path

from messaging.actions.installing import install_template
from messaging.actions.templates import latest_version
from messaging.models import Template, TemplateVersion
from messaging.shipped import read_email

NAME = "tender-alert"
FILE = Path(__file__).parent.parent / "shipped" / f"{NAME}.mjml"


def alert_version() -> TemplateVersion:
    """Return the version of the template that an alert is written from now."""
    found = Template.objects.filter(name__iexact=NAME).first()
    if found is None or found.latest is None:
        install_template(read_email(FILE), actor="system")
        found = Template.objects.get(name__iexact=NAME)
    return latest_version(found)
