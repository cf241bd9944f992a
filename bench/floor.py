"""The floor under a campaign: what its parts cost bare, one after the other, in one process.

`python -m bench.floor LIST --server URL` takes a staged list of people and prints JSON, in seconds:

- `insert`: one INSERT … SELECT that writes a message per member;
- `settle`: UPDATE … FROM (VALUES …) per 100 of them, each committed;
- `render`: subject, HTML and text of every message in python-liquid;
- `calls`: the official SDK's calls of 100, one after the other, as it comes out of the box.

It uses the product's tables, with all their indexes and constraints, and none of its code; what it wrote it deletes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import django

django.setup()

import resend  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from liquid import Environment  # noqa: E402

from messaging.models import ContactList, Message, Sender, Stream, TemplateVersion  # noqa: E402

BATCH = 100


@dataclass(frozen=True)
class Floor:
    """Seconds of each part."""

    insert: float
    settle: float
    render: float
    calls: float


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(people: ContactList, *, server: str) -> Floor:
    version = TemplateVersion.objects.latest("pk")
    stream = Stream.objects.create(
        title="floor", sender=Sender.objects.first(), template_version=version
    )
    insert = seconds(lambda: insert_messages(stream, people))
    ids = list(Message.objects.filter(stream=stream).order_by("pk").values_list("pk", flat=True))
    settle = seconds(lambda: settle_messages(ids))
    Message.objects.filter(stream=stream).delete()
    stream.delete()
    contexts = [context_of(*row) for row in rows_of(people)]
    mails: list[dict[str, Any]] = []
    render = seconds(lambda: mails.extend(render_mails(version, contexts)))
    return Floor(insert, settle, render, seconds(lambda: send_mails(mails, server=server)))


def insert_messages(stream: Stream, people: ContactList) -> None:
    key = "replace(c.id::text, '-', '')" if connection.vendor == "postgresql" else "c.id"
    moment = "clock_timestamp()" if connection.vendor == "postgresql" else "datetime('now')"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO messaging_message (stream_id, key, contact_id, address, status, reason,"
            " detail, provider_id, created_at)"
            f" SELECT %s, {key}, c.id, c.email, 'pending', '', '', '', {moment}"
            " FROM messaging_listmember m JOIN messaging_contact c ON c.id = m.contact_id"
            " WHERE m.list_id = %s",
            [adapted(stream), adapted(people)],
        )


def adapted(row: Stream | ContactList) -> Any:
    return row._meta.pk.get_db_prep_value(row.pk, connection)


def settle_messages(ids: list[int]) -> None:
    for start in range(0, len(ids), BATCH):
        given = [(id, f"provider-{id}") for id in ids[start : start + BATCH]]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE messaging_message SET status = 'sent', provider_id = given.column2"
                f" FROM (VALUES {', '.join(['(%s, %s)'] * len(given))}) AS given"
                " WHERE id = given.column1",
                [value for pair in given for value in pair],
            )


def rows_of(people: ContactList) -> list[tuple[Any, ...]]:
    return list(people.contacts.values_list("email", "first_name", "last_name", "attributes"))


def context_of(email: str, first: str, last: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "contact": {
            "email": email,
            "first_name": first,
            "last_name": last,
            "attributes": attributes,
        },
        "campaign": {"name": "Letter"},
        "unsubscribe_url": "https://example.com/u/0123456789abcdef0123456789abcdef0123456789",
    }


def render_mails(version: TemplateVersion, contexts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    plain, escaped = Environment(), Environment(autoescape=True)
    subject, text = plain.from_string(version.subject), plain.from_string(version.text)
    html = escaped.from_string(version.html)
    return [
        {
            "from": "news@example.com",
            "to": [context["contact"]["email"]],
            "subject": subject.render(context),
            "html": html.render(context),
            "text": text.render(context),
            "tags": [{"name": "message", "value": f"floor-{number}"}],
        }
        for number, context in enumerate(contexts)
    ]


def send_mails(mails: list[dict[str, Any]], *, server: str) -> None:
    resend.api_key, resend.api_url = "re_test", server
    run = time.time_ns()
    for start in range(0, len(mails), BATCH):
        options: Any = {"idempotency_key": f"floor-{run}-{start}"}
        resend.Batch.send(mails[start : start + BATCH], options)  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list")
    parser.add_argument("--server", required=True)
    options = parser.parse_args()
    floor = measure(ContactList.from_public_id(options.list), server=options.server)
    print(json.dumps(vars(floor)))


if __name__ == "__main__":
    main()
