"""What may be done with templates: make one, and save a new version of its content."""

from __future__ import annotations

import hashlib
import json

from django.db import IntegrityError, transaction
from liquid.exceptions import LiquidError

from core import audit
from core.errors import Conflict, Refused
from messaging.attributes import clean_text
from messaging.channels import Channel
from messaging.inlining import inline_styles
from messaging.models import Template, TemplateVersion
from messaging.plain_text import plain_text
from messaging.rendering import compiled
from messaging.variables import analyse

HTML_MAX_BYTES = 400_000
SUBJECT_MAX_LENGTH = 500


def create_template(*, name: str, actor: str, channel: Channel = Channel.EMAIL) -> Template:
    """Make a template without content; raise Conflict where one of that name stands."""
    template = Template(name=clean_text(name, field="name", max_length=120), channel=channel)
    if not template.name:
        raise Refused("A template needs a name.", field="name", value=name, remedy="Name it.")
    try:
        with transaction.atomic():
            template.save(force_insert=True)
            audit.record("template.created", template, actor=actor, channel=channel)
    except IntegrityError:
        raise Conflict(
            f"There is already a template named {template.name!r}.",
            field="name",
            value=template.name,
            remedy="Save a new version of that one, or choose another name.",
        ) from None
    return template


def save_version(
    template: Template, *, actor: str, subject: str = "", html: str = "", text: str = ""
) -> TemplateVersion:
    """Save content as the next version; content that the latest version has makes no new one.

    1. Everything is checked: Liquid, variables, limits. 2. Styles are inlined and the plain text is
    derived, once. 3. The version is inserted; its number is unique, so of two people who save at the
    same moment one is refused.
    """
    version = prepare_version(template, subject=subject, html=html, text=text, actor=actor)
    latest = template.latest
    if latest and latest.checksum == version.checksum:
        return latest
    version.number = latest.number + 1 if latest else 1
    try:
        with transaction.atomic():
            version.save(force_insert=True)
            audit.record("template.version_saved", template, actor=actor, number=version.number)
    except IntegrityError:
        raise Conflict(
            f"Somebody saved version {version.number} of {template.name!r} at the same moment.",
            field="template",
            value=template.public_id,
            remedy="Look at their version, then save yours again.",
        ) from None
    return version


def prepare_version(
    template: Template, *, actor: str, subject: str = "", html: str = "", text: str = ""
) -> TemplateVersion:
    """Return a version that can be rendered, not yet saved; raise Refused."""
    _check_content(template.channel, subject=subject, html=html, text=text)
    parts = {"subject": subject, "html": html, "text": text}
    used = {name for field, source in parts.items() for name in analyse(source, field=field)}
    version = TemplateVersion(
        template=template,
        subject=subject.strip(),
        source_html=html,
        source_text=text,
        html=inline_styles(html),
        text=text or plain_text(html),
        variables=sorted(used),
        checksum=hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest(),
        created_by=actor,
    )
    _check_compiles(version)
    return version


def _check_content(channel: str, *, subject: str, html: str, text: str) -> None:
    clean_text(html, field="html")
    clean_text(text, field="text")
    clean_text(subject, field="subject", max_length=SUBJECT_MAX_LENGTH)
    if channel == Channel.SMS:
        _check_sms(subject=subject, html=html, text=text)
    else:
        _check_email(subject=subject, html=html, text=text)


def _check_email(*, subject: str, html: str, text: str) -> None:
    if "\n" in subject.strip() or "\r" in subject.strip():
        raise Refused(
            "A subject is one line.",
            field="subject",
            value=subject,
            remedy="Remove the line break.",
        )
    if not subject.strip():
        raise Refused("An e-mail needs a subject.", field="subject", value="", remedy="Write one.")
    if not html.strip() and not text.strip():
        raise Refused("An e-mail needs a body.", field="html", value="", remedy="Write one.")
    if len(html.encode()) > HTML_MAX_BYTES:
        raise Refused(
            f"The html has more than {HTML_MAX_BYTES:,} bytes.",
            field="html",
            remedy="Shorten it; mail programs cut a message of more than about 100,000.",
        )


def _check_sms(*, subject: str, html: str, text: str) -> None:
    for field, content in (("subject", subject), ("html", html)):
        if content:
            raise Refused(
                f"An SMS has no {field}.", field=field, value=content, remedy="Leave it empty."
            )
    if not text.strip():
        raise Refused("An SMS needs a text.", field="text", value="", remedy="Write one.")


def _check_compiles(version: TemplateVersion) -> None:
    """The source was sound; make sure that inlining and deriving left the Liquid whole."""
    try:
        compiled(version)
    except LiquidError as error:
        raise Refused(
            f"The html cannot be prepared for mail programs: {error.message}.",
            field="html",
            remedy="Put Liquid tags between whole HTML elements.",
        ) from None
