"""Sources: added by staff or brought in, changed, switched on and off."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import transaction

from core import audit, clock
from core.errors import Conflict, NotFound, Refused
from tenders.fixups import check_fixups
from tenders.models import TenderSource
from tenders.models.sources import Paging, Proof

#: A source without a wish begins so long ago.
FIRST_SPAN = timedelta(days=1)
#: What a row says of a source, and staff may change.
ADAPTER = tuple(
    field.name
    for field in TenderSource._meta.concrete_fields
    if field.editable and field.name not in ("id", "is_enabled")
)


@transaction.atomic
def create_source(*, actor: str, start: datetime | None = None, **row: Any) -> TenderSource:
    """Add a source, whose time begins at `start` (a day ago); raise Refused naming the field that cannot be."""
    begins = start or clock.now() - FIRST_SPAN
    source = TenderSource(cursor_at=begins, planned_until=begins, **row)
    _check(source)
    if TenderSource.objects.filter(key=source.key).exists():
        raise Conflict(
            f"There is a source {source.key!r} already.",
            field="key",
            value=source.key,
            remedy="Choose another short name.",
        )
    source.save()
    audit.record("tender_source.created", source, actor=actor, key=source.key)
    return source


@transaction.atomic
def update_source(source: TenderSource, *, actor: str, **changes: Any) -> TenderSource:
    """Change a source's row; what was fetched stays. Raises Refused naming the field that cannot be."""
    if unknown := set(changes) - {*ADAPTER, "shipped_digest"}:
        raise Refused(f"A source has no {min(unknown)!r} that may be changed.", field=min(unknown))
    for name, value in changes.items():
        setattr(source, name, value)
    _check(source)
    source.save(update_fields=sorted(changes))
    audit.record("tender_source.updated", source, actor=actor, fields=sorted(changes))
    return source


def enable_source(source: TenderSource, *, actor: str) -> None:
    """Have a source synced every 30 minutes."""
    _switch(source, to=True, actor=actor)


def disable_source(source: TenderSource, *, actor: str) -> None:
    """Sync a source no more by itself; what is under way comes to its end."""
    _switch(source, to=False, actor=actor)


@transaction.atomic
def _switch(source: TenderSource, *, to: bool, actor: str) -> None:
    word = "on" if to else "off"
    rows = TenderSource.objects.filter(pk=source.pk, is_enabled=not to)
    if not rows.update(is_enabled=to):
        raise Conflict(f"The schedule of {source.name} is {word} already.", field="is_enabled")
    source.refresh_from_db()
    audit.record(f"tender_source.switched_{word}", source, actor=actor)


def find_source(text: str) -> TenderSource:
    """Return the source of a short name or public id; raise NotFound naming what there is."""
    found = TenderSource.objects.filter(key=text).first()
    if found is not None:
        return found
    if text.startswith(f"{TenderSource.id_prefix}_"):
        return TenderSource.from_public_id(text)
    known = ", ".join(TenderSource.objects.order_by("key").values_list("key", flat=True))
    raise NotFound(
        f"There is no source {text!r}.",
        field="source",
        value=text,
        remedy=f"Known are: {known}." if known else "Bring some in: manage.py install_sources",
    )


def _check(source: TenderSource) -> None:
    """Refuse a row that could not be asked by; the first thing amiss is named."""
    try:
        source.clean_fields(exclude=["cursor_at", "planned_until"])
    except ValidationError as error:
        field, messages = next(iter(error.message_dict.items()))
        raise Refused(messages[0], field=field, value=getattr(source, field, None)) from error
    if source.time_zone not in available_timezones():
        raise Refused(
            f"There is no time zone {source.time_zone!r}.",
            field="time_zone",
            value=source.time_zone,
            remedy="Name one such as Africa/Johannesburg.",
        )
    check_fixups(source.fixups)
    _check_shapes(source)
    _check_paging(source)
    spelt = clock.now().astimezone(ZoneInfo(source.time_zone)).strftime(source.date_format)
    if "%" in spelt or not any(map(str.isdigit, spelt)):
        raise Refused(
            f"{source.date_format!r} is no date format: it makes {spelt!r}.",
            field="date_format",
            value=source.date_format,
            remedy="Write one such as %Y-%m-%d.",
        )


def _check_shapes(source: TenderSource) -> None:
    for name in ("params", "headers"):
        value = getattr(source, name)
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise Refused(f"{name} is no object of texts.", field=name, value=value)
    for name, least in (("limit_statuses", 300), ("retry_seconds", 0)):
        value = getattr(source, name)
        if not isinstance(value, list) or not all(_is_number(v) and v >= least for v in value):
            raise Refused(f"{name} is no list of numbers from {least}.", field=name, value=value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_paging(source: TenderSource) -> None:
    if source.paging == Paging.NUMBERED and not source.page_param:
        raise Refused(
            "Numbered pages need the name of their parameter.",
            field="page_param",
            remedy="Name it, such as PageNumber.",
        )
    if source.proof == Proof.NUMBERS and not (source.ocid_prefix and "{ocid}" in source.item_url):
        raise Refused(
            "Numbers can only be checked where one process can be asked for.",
            field="item_url",
            value=source.item_url,
            remedy="Name its address with {ocid} in it, and what every ocid begins with.",
        )
    if source.item_url and urlsplit(source.item_url).netloc != urlsplit(source.url).netloc:
        raise Refused(
            "The address of one process is on another host.",
            field="item_url",
            value=source.item_url,
            remedy=f"Use an address at {urlsplit(source.url).netloc}.",
        )
    if source.least_seconds > source.step_seconds:
        raise Refused(
            "The shortest span is longer than the longest.",
            field="least_seconds",
            value=source.least_seconds,
            remedy=f"Use at most {source.step_seconds}.",
        )
