"""Contacts that were made by mistake go again, as if they had never been: only where nothing stands on them."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import ProtectedError, QuerySet
from django.db.models.deletion import Collector

from messaging.actions.consent import Evidence
from messaging.models import ConsentEvent, Contact, ListMember, Message


@transaction.atomic
def unmake_contacts(
    contacts: Collection[uuid.UUID], *, made: Evidence | None, unmade: Evidence
) -> set[uuid.UUID]:
    """Delete contacts nobody has written to, who said nothing themselves and are on no list; return which.

    Whoever is known for something else, such as a registration, stays too. Of their consent history only two acts
    may stand: the one that `made` it (nothing where none was recorded), and the one that takes it back. People who
    were really here are anonymised instead, and keep their history.
    """
    free = set(contacts)
    free -= _owners(Message.objects.filter(contact__in=free))
    free -= _owners(ListMember.objects.filter(contact__in=free))
    free -= _with_own_history(free, made, unmade)
    free -= _stood_on(free)
    # The history of somebody who never was is the one that may go: the rows themselves refuse to.
    events = ConsentEvent.objects.filter(contact__in=free)
    events._raw_delete(events.db)
    Contact.objects.filter(pk__in=free).delete()
    return free


def _with_own_history(
    contacts: Collection[uuid.UUID], made: Evidence | None, unmade: Evidence
) -> set[uuid.UUID]:
    others = ConsentEvent.objects.filter(contact__in=contacts)
    for act in (made, unmade):
        if act:
            others = others.exclude(source=act.source, actor=act.actor)
    return _owners(others)


def _stood_on(contacts: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Return those of whom something else is kept, in whichever app: an answer by SMS, a registration."""
    doomed = Collector(using=DEFAULT_DB_ALIAS)
    try:
        doomed.collect(Contact.objects.filter(pk__in=contacts))
    except ProtectedError as error:
        others = (row for row in error.protected_objects if not isinstance(row, ConsentEvent))
        return {row.contact_id for row in others}  # type: ignore[attr-defined]  # all are about a contact
    return set()


def _owners(rows: QuerySet[Any]) -> set[uuid.UUID]:
    return set(rows.values_list("contact", flat=True))
