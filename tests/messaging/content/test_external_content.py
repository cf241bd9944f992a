"""Blocks of a Content API: fetched once for many, cleaned, kept, and never in the way of a message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings

from core import clock
from core.models import AuditEntry
from jobs.models import Run
from jobs.testing import run_until_idle
from messaging.actions.templates import create_template, save_version
from messaging.content import refreshing
from messaging.content.blocks import ready
from messaging.models import ContentBlock, SandboxMessage, Sender, Stream, TemplateVersion
from messaging.streams import open_stream, write_messages
from tests.fakes.content_api import (
    Behaviour,
    ContentApi,
    answers,
    breaks_off,
    drips,
    hangs,
    redirects,
    says,
)
from tests.messaging.outbox.making import deliver, make_list, make_people, statuses

HTML = '<p>Hi</p>{% external "news" %}<p>No news for {{ contact.first_name }}</p>{% endexternal %}'


@pytest.fixture
def version(db: None) -> TemplateVersion:
    template = create_template(name="Newsletter", actor="test")
    return save_version(template, subject="News", html=HTML, actor="test")


@pytest.fixture
def send(sandbox: Sender, version: TemplateVersion) -> Callable[..., Stream]:
    """Write messages to so many new people and deliver them."""

    def write(people: int = 3, *, title: str = "Spring news") -> Stream:
        start = SandboxMessage.objects.count()
        readers = make_list(make_people(people, start=start), name=title)
        stream = open_stream(title, sender=sandbox, template_version=version)
        write_messages(stream, lists=[readers], joined_before=clock.now())
        deliver()
        assert statuses(stream) == {"sent": people}
        return stream

    return write


def bodies() -> set[str]:
    return set(SandboxMessage.objects.values_list("html", flat=True))


def test_a_version_knows_the_blocks_it_shows(version: TemplateVersion) -> None:
    assert version.content_blocks == ["news"]
    assert version.variables == ["contact.first_name"]


def test_many_messages_ask_the_api_once(send, content_api: ContentApi) -> None:
    send(250)

    assert bodies() == {"<p>Hi</p><p>Fresh news</p>"}
    assert content_api.asked == [("/blocks/news", "Bearer secret")]


def test_plain_text_gets_the_text_of_the_block(send, content_api: ContentApi) -> None:
    content_api.behaviour = says('<p>Read <a href="https://example.com/n">the news</a></p>')
    send(1)

    assert SandboxMessage.objects.get().text == "Hi\n\nRead the news (https://example.com/n)"


def test_a_copy_is_used_until_it_expires(send, content_api: ContentApi, settings: Settings) -> None:
    settings.CONTENT_CACHE_SECONDS = 600
    send(1, title="first")
    content_api.behaviour = says("<p>Later news</p>")
    send(1, title="second")
    assert len(content_api.asked) == 1

    with clock.travel(by=timedelta(seconds=601)):
        send(1, title="third")  # shows the old copy, and has a fresh one fetched
        send(1, title="fourth")

    assert len(content_api.asked) == 2
    assert list(SandboxMessage.objects.order_by("pk").values_list("html", flat=True)) == [
        "<p>Hi</p><p>Fresh news</p>",
        "<p>Hi</p><p>Fresh news</p>",
        "<p>Hi</p><p>Fresh news</p>",
        "<p>Hi</p><p>Later news</p>",
    ]


FAULTS: dict[str, tuple[Behaviour, str]] = {
    "error": (answers(500, b"<p>oops</p>"), "It answers 500."),
    "missing": (answers(404), "It answers 404."),
    "not allowed": (answers(401), "It answers 401."),
    "hangs": (hangs, "It does not answer in time."),
    "drips": (drips, "It does not answer in time."),
    "breaks off": (breaks_off, "Its answer breaks off."),
    "too large": (answers(200, b"x" * 100_001), "It answers with more than 100,000 bytes."),
    "not json": (answers(200, b"{", kind="application/json"), "Its answer is neither"),
    "json without html": (answers(200, b"[]", kind="application/json"), "Its answer is neither"),
    "html is a number": (answers(200, b'{"html": 5}', kind="application/json"), "Its html is no"),
    "a NUL": (answers(200, b'{"html": "a\\u0000"}', kind="application/json"), "Its html is no"),
    "not UTF-8": (answers(200, b"\xff\xfe"), "Its answer is neither"),
    "a picture": (answers(200, b"x", kind="image/png"), "It answers image/png."),
    "nothing": (answers(200, b" "), "Nothing is left"),
    "only a script": (says("<script>alert(1)</script>"), "Nothing is left"),
    "a private address": (redirects("https://10.0.0.1/"), "10.0.0.1 stands at a private address."),
}


@pytest.fixture(params=FAULTS, ids=str)
def fault(request, monkeypatch) -> tuple[Behaviour, str]:
    monkeypatch.setattr(refreshing, "PATIENCE", 0.3)
    return FAULTS[request.param]


def test_where_the_api_fails_the_last_good_copy_goes_out(
    send, content_api: ContentApi, fault: tuple[Behaviour, str]
) -> None:
    send(1, title="first")
    content_api.behaviour, words = fault

    with clock.travel(by=timedelta(hours=1)):
        send(1, title="second")
        send(1, title="third")

    assert bodies() == {"<p>Hi</p><p>Fresh news</p>"}
    assert SandboxMessage.objects.count() == 3
    assert ContentBlock.objects.get().problem.startswith(words)


@pytest.mark.parametrize("name", ["error", "hangs"])
def test_where_there_never_was_a_copy_the_fallback_goes_out(
    send, content_api: ContentApi, monkeypatch, name: str
) -> None:
    monkeypatch.setattr(refreshing, "PATIENCE", 0.3)
    content_api.behaviour, _ = FAULTS[name]

    send(2)

    assert bodies() == {
        "<p>Hi</p><p>No news for Person 0</p>",
        "<p>Hi</p><p>No news for Person 1</p>",
    }
    assert not Run.objects.filter(status=Run.Status.FAILED).exists()


def test_messages_wait_for_a_first_copy_and_not_for_ever(
    version: TemplateVersion, content_api: ContentApi
) -> None:
    assert ready(["news"]).is_worth_waiting

    with clock.travel(by=timedelta(seconds=21)):  # whoever should have fetched it died
        assert not ready(["news"]).is_worth_waiting


def test_the_api_is_not_asked_again_and_again(
    version: TemplateVersion, content_api: ContentApi
) -> None:
    content_api.behaviour = answers(500)
    for seconds in (0, 1, 59, 61):
        with clock.travel(by=timedelta(seconds=seconds)):
            ready(["news"])
            run_until_idle()

    assert len(content_api.asked) == 2


def test_a_block_that_is_gone_is_forgotten(send, content_api: ContentApi) -> None:
    send(1, title="first")
    content_api.behaviour = answers(410)
    with clock.travel(by=timedelta(hours=1)):
        send(1, title="second")
        send(1, title="third")

    assert SandboxMessage.objects.order_by("pk").last().html.endswith("No news for Person 2</p>")


def test_a_copy_that_nobody_could_renew_for_a_week_is_not_shown(
    send, content_api: ContentApi
) -> None:
    send(1, title="first")
    content_api.behaviour = answers(500)
    with clock.travel(by=timedelta(days=7, seconds=1)):
        send(1, title="second")

    assert SandboxMessage.objects.order_by("pk").last().html.endswith("No news for Person 1</p>")


def test_without_an_api_the_fallback_goes_out_at_once(send) -> None:
    send(1)

    assert bodies() == {"<p>Hi</p><p>No news for Person 0</p>"}
    assert not ContentBlock.objects.exists()


def test_a_template_without_blocks_asks_the_database_nothing_more(
    db, django_assert_num_queries
) -> None:
    with django_assert_num_queries(0):
        assert ready([]).copies == {}


def test_a_fresh_copy_costs_one_query(
    send, content_api: ContentApi, django_assert_num_queries
) -> None:
    send(1)

    with django_assert_num_queries(1):
        assert ready(["news"]).copies["news"].html == "<p>Fresh news</p>"


@pytest.mark.parametrize(
    ("html", "cleaned"),
    [
        ("<p onclick='x()'>Hi<script>x()</script></p>", "<p>Hi</p>"),
        ('<a href="javascript:x()">a</a>', "<a>a</a>"),
        ('<a href="http://example.com">a</a>', "<a>a</a>"),
        ('<a href="https://example.com">a</a>', '<a href="https://example.com">a</a>'),
        ('<img src="/x.png" alt="x">', '<img alt="x">'),
        ('<p style="color: red; position: fixed">x</p>', '<p style="color:red">x</p>'),
        ("<style>p { color: red }</style><p>x</p>", "<p>x</p>"),
        ('<form action="https://example.com"><input name="a">x</form>', "x"),
        ("<!-- secret --><p>x</p>", "<p>x</p>"),
        ("<p>{{ contact.email }}{% endif %}</p>", "<p>{{ contact.email }}{% endif %}</p>"),
    ],
)
def test_a_block_is_cleaned_and_never_read_as_liquid(
    send, content_api: ContentApi, html: str, cleaned: str
) -> None:
    content_api.behaviour = says(html)
    send(1)

    assert bodies() == {f"<p>Hi</p>{cleaned}"}


# --- staff ---------------------------------------------------------------------------------------------


BLOCKS = "/admin/messaging/contentblock"


def test_staff_see_how_fresh_a_block_is_and_ask_for_it(
    send, content_api: ContentApi, alice, client_of
) -> None:
    send(1)
    block = ContentBlock.objects.get()
    content_api.behaviour = says("<p>Corrected</p>")
    client = client_of(alice)

    with clock.travel(by=timedelta(seconds=61)):
        assert "Fresh" in client.get(f"{BLOCKS}/").content.decode()
        client.post(f"{BLOCKS}/{block.pk}/refresh/")
        client.post(f"{BLOCKS}/{block.pk}/refresh/")  # a moment later: refused
        run_until_idle()

    block.refresh_from_db()
    assert block.html == "<p>Corrected</p>"
    assert len(content_api.asked) == 2
    assert AuditEntry.objects.filter(verb="content.refresh_asked", actor="staff:alice").count() == 1


def test_who_only_looks_asks_for_nothing(db, content_api: ContentApi, bob, client_of) -> None:
    block = ContentBlock.objects.create(slug="news")
    client = client_of(bob)

    assert client.post(f"{BLOCKS}/{block.pk}/refresh/").status_code == 403
    assert not Run.objects.exists()
    assert "Fallback" in client.get(f"{BLOCKS}/{block.pk}/change/").content.decode()
