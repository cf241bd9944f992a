"""What may be done with templates: make one, and save a new version of its content."""

from __future__ import annotations

import hashlib
import json
from typing import TypedDict, Unpack

from django.db import IntegrityError, transaction
from liquid.exceptions import LiquidError

from core import audit
from core.errors import Conflict, Refused
from messaging.attributes import clean_text
from messaging.channels import Channel
from messaging.inlining import inline_styles
from messaging.mjml import check_mjml, compile_mjml, in_layout, is_mjml
from messaging.models import Template, TemplateVersion
from messaging.placeholders import Placeholders
from messaging.plain_text import plain_text
from messaging.preheaders import with_preheader
from messaging.rendering import compiled
from messaging.variables import analyse

HTML_MAX_BYTES = 400_000
#: What a version is written as, and how long each may be.
FIELDS = {"subject": 500, "preheader": 300, "html": None, "text": None}


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


class Source(TypedDict, total=False):
    """What a person writes of a version; `html` may be MJML."""

    subject: str
    preheader: str
    html: str
    text: str


def save_version(
    template: Template, *, actor: str, author: str = "", **source: Unpack[Source]
) -> TemplateVersion:
    """Save content as the next version; content that the latest version has makes no new one.

    1. Everything is checked: MJML, Liquid, variables, limits. 2. MJML becomes HTML, styles are inlined
    and the plain text is derived, once. 3. The version is inserted; its number is unique, so of two
    people who save at the same moment one is refused. `author` is who wrote it, where that is not the
    actor. Blocks of external content that it shows are fetched, so that previews have them.
    """
    version = prepare_version(template, actor=author or actor, **source)
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


def prepare_version(template: Template, *, actor: str, **source: Unpack[Source]) -> TemplateVersion:
    """Return a version that can be rendered, not yet saved; raise Refused."""
    parts = {name: str(source.get(name) or "") for name in FIELDS}
    _check_content(template.channel, parts)
    used = {name for field, text in parts.items() for name in analyse(text, field=field)}
    parts["html"] = in_layout(parts["html"]) if is_mjml(parts["html"]) else parts["html"]
    html = inline_styles(_as_html(parts["html"]))
    version = TemplateVersion(
        template=template,
        subject=parts["subject"].strip(),
        preheader=parts["preheader"].strip(),
        source_html=source.get("html", ""),
        source_text=parts["text"],
        html=with_preheader(html, parts["preheader"].strip()),
        text=parts["text"] or plain_text(html),
        variables=sorted(used | set(analyse(parts["html"], field="html"))),
        checksum=_checksum(parts),
        created_by=actor,
    )
    _compile(version)
    return version


def latest_version(template: Template) -> TemplateVersion:
    """Return the version that would be sent; raise Refused where there is none yet."""
    version = template.latest
    if version is None:
        raise Refused(
            f"The template “{template}” has no version yet.",
            field="template",
            value=template.name,
            remedy="Write its content and save it.",
        )
    return version


def source_of(version: TemplateVersion) -> Source:
    """Return a version as a person wrote it, ready to be written again."""
    return {
        "subject": version.subject,
        "preheader": version.preheader,
        "html": version.source_html,
        "text": version.source_text,
    }


def _as_html(source: str) -> str:
    """Return HTML in Liquid; MJML is compiled with its Liquid held aside."""
    if not is_mjml(source):
        return source
    aside = Placeholders(source)
    return aside.restore(compile_mjml(aside.as_comments()))


def _checksum(parts: dict[str, str]) -> str:
    """Return what changes with the content; a part that came later counts where it is used."""
    counted = {name: part for name, part in parts.items() if part or name != "preheader"}
    return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()


def _check_content(channel: str, parts: dict[str, str]) -> None:
    for name, max_length in FIELDS.items():
        clean_text(parts[name], field=name, max_length=max_length)
    if channel == Channel.SMS:
        _check_sms(parts)
    else:
        _check_email(parts)


def _check_email(parts: dict[str, str]) -> None:
    html = parts["html"]
    for name in ("subject", "preheader"):
        _check_one_line(name, parts[name])
    if not parts["subject"].strip():
        raise Refused("An e-mail needs a subject.", field="subject", value="", remedy="Write one.")
    if not html.strip() and not parts["text"].strip():
        raise Refused("An e-mail needs a body.", field="html", value="", remedy="Write one.")
    if len(html.encode()) > HTML_MAX_BYTES:
        raise Refused(
            f"The html has more than {HTML_MAX_BYTES:,} bytes.",
            field="html",
            remedy="Shorten it; mail programs cut a message of more than about 100,000.",
        )
    if is_mjml(html):
        check_mjml(html)


def _check_one_line(name: str, text: str) -> None:
    if "\n" in text.strip() or "\r" in text.strip():
        raise Refused(
            f"A {name} is one line.", field=name, value=text, remedy="Remove the line break."
        )


def _check_sms(parts: dict[str, str]) -> None:
    for name in ("subject", "preheader", "html"):
        if parts[name]:
            raise Refused(
                f"An SMS has no {name}.", field=name, value=parts[name], remedy="Leave it empty."
            )
    if not parts["text"].strip():
        raise Refused("An SMS needs a text.", field="text", value="", remedy="Write one.")


def _compile(version: TemplateVersion) -> None:
    """The source was sound; make sure that preparing it left the Liquid whole, and note the blocks it shows."""
    try:
        version.content_blocks = sorted(compiled(version).blocks)
    except LiquidError as error:
        raise Refused(
            f"The html cannot be prepared for mail programs: {error.message}.",
            field="html",
            remedy="Put Liquid tags between whole HTML elements.",
        ) from None
