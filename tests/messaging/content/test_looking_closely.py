"""What staff see before anybody gets it: remarks, the dark, what was typed, and what a person lacks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from jobs.testing import run_until_idle
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.content.blocks import ready
from messaging.models import Template, TemplateVersion
from messaging.previews import in_scheme, preview
from messaging.proofreading import remarks_about, remarks_on
from messaging.rendering import TemplateError, compiled, parse_plain
from tests.fakes.content_api import ContentApi
from tests.messaging.people.test_people_admin import TEMPLATES, template_form

DARK = (
    "<style>@media (prefers-color-scheme: dark) { p { color: white !important } }</style><p>Hi</p>"
)


@pytest.fixture
def welcome(db: None) -> Template:
    made = create_template(name="Welcome", actor="test")
    save_version(made, subject="Hello", html=DARK, preheader="A line", actor="test")
    return made


@pytest.mark.parametrize(
    ("html", "remarks"),
    [
        ('<a href="https://example.com">x</a>', []),
        ('<a href="{{ event.join_url }}">x</a>', []),
        ('<a href="mailto:a@example.com">x</a><a href="tel:+27">y</a><a href="#top">z</a>', []),
        ('<a href="http://example.com">x</a>', ["The link http://example.com is not https."]),
        ('<a href="HTTP://example.com">x</a>', ["The link HTTP://example.com is not https."]),
        ('<a href="javascript:x()">x</a>', ["The link javascript:x() is not https."]),
        (
            '<a href="www.example.com">x</a>',
            ["The link www.example.com is no whole address: begin it with https://."],
        ),
        ('<a href="">x</a>', ["A link leads nowhere: it has no address."]),
        (
            '<a href="http://x.org/{{ data.a }}">x</a>',
            ["The link http://x.org/{{ data.a }} is not https."],
        ),
        ('<img src="https://x.org/a.png" alt="">', []),
        (
            '<img src="http://x.org/a.png"/>',
            [
                "The picture http://x.org/a.png is not https.",
                "The picture http://x.org/a.png has no alt text.",
            ],
        ),
        (
            '<td background="http://x.org/a.png" style="background: url(&quot;http://x.org/b.png&quot;)">',
            [
                "The picture http://x.org/a.png is not https.",
                "The picture http://x.org/b.png is not https.",
            ],
        ),
        (
            "<style>p { background: url('http://x.org/c.png') }</style><p>url(http://x.org/d)</p>",
            ["The picture http://x.org/c.png is not https."],
        ),
        ('<style>@import url(https://x.org/f.css);</style><td background="{{ data.a }}">', []),
        ('<a href="http://a">1</a><a href="http://a">2</a>', ["The link http://a is not https."]),
        ("x" * 102 * 1024, []),
        (
            "x" * (102 * 1024 + 600),
            ["It has 103 KB: Gmail hides what stands behind the first 102 KB."],
        ),
    ],
)
def test_links_and_pictures_are_looked_at(html: str, remarks: list[str]) -> None:
    assert remarks_on(html) == remarks


@pytest.mark.parametrize(
    ("text", "remarks"),
    [
        ("Join: https://x.org/a, or call +27 82 555 0134", []),
        ("Join: {{ event.join_url }}", []),
        ("Join: http://x.org/{{ data.a }}.", ["The link http://x.org/{{ data.a }} is not https."]),
        (
            "http://x.org HTTP://x.org",
            [f"The link {x}://x.org is not https." for x in ("http", "HTTP")],
        ),
    ],
)
def test_the_links_of_an_sms_are_looked_at(text: str, remarks: list[str], db: None) -> None:
    template = create_template(name="Join", channel=Channel.SMS, actor="test")

    assert remarks_about(save_version(template, text=text, actor="test")) == remarks


def test_staff_are_told_when_they_save(alice, client_of, db: None) -> None:
    form = template_form(
        name="News", subject="Hi", html='<a href="http://example.com">x</a>', preheader=""
    )
    page = client_of(alice).post(f"{TEMPLATES}add/", form, follow=True).content.decode()

    assert "The link http://example.com is not https." in page
    assert TemplateVersion.objects.count() == 1


def test_the_dark_is_shown_whatever_the_browser_prefers() -> None:
    assert "@media (min-width: 0) {" in in_scheme(DARK, is_dark=True)
    assert "@media (max-width: 0) {" in in_scheme(DARK, is_dark=False)


def test_the_preview_changes_without_losing_the_page(welcome: Template, alice, client_of) -> None:
    client = client_of(alice)
    page = f"{TEMPLATES}{welcome.pk}"
    shown = client.get(f"{page}/preview/", {"width": "phone", "scheme": "dark"}).content.decode()

    assert shown.lstrip().startswith('<section id="preview"')
    assert "lh-device--phone lh-device--dark" in shown
    assert "A line" in shown
    assert "&amp;scheme=dark" in shown
    dark = client.get(f"{page}/frame/", {"scheme": "dark"})
    assert "(min-width:0)" in dark.content.decode().replace(": 0", ":0")
    assert dark["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


def test_what_is_typed_is_shown_and_not_kept(welcome: Template, alice, client_of) -> None:
    url = f"{TEMPLATES}{welcome.pk}/frame/"
    client = client_of(alice)

    typed = client.post(url, {"subject": "Hi", "html": "<p>Typed {{ contact.first_name }}</p>"})
    wrong = client.post(url, {"subject": "Hi", "html": "<p>{{ contact.surname }}</p>"})

    assert typed.content == b"<p>Typed Thandi</p>"
    assert "contact.surname" in wrong.content.decode()
    assert TemplateVersion.objects.count() == 1


@pytest.fixture
def texting(db: None) -> Template:
    template = create_template(name="Text", channel="sms", actor="system")
    save_version(template, text="Hello {{ contact.first_name }}", actor="system")
    return template


def test_an_sms_is_previewed_as_it_is_typed_with_segments_and_cost(
    texting: Template, alice, client_of, settings
) -> None:
    settings.SMS_PRICE_PER_SEGMENT = Decimal("0.05")
    page = f"{TEMPLATES}{texting.pk}"
    typed = {"text": "Zoë 🎉 {{ contact.first_name }} " + "x" * 70}

    shown = client_of(alice).post(f"{page}/preview/", typed).content.decode()

    assert "Zoë 🎉 Thandi xxx" in shown
    assert "As it is typed below, for a sample person. Billed as 2 segments" in shown
    assert "0.1000 USD a person" in shown
    assert 'hx-trigger="input changed delay:600ms from:#id_text"' in shown
    assert TemplateVersion.objects.count() == 1


def test_an_sms_that_cannot_be_sent_says_so_while_it_is_typed(
    texting: Template, alice, client_of
) -> None:
    page = f"{TEMPLATES}{texting.pk}"

    shown = client_of(alice).post(f"{page}/preview/", {"text": "Hello {{ contact."})

    assert shown.status_code == 200
    assert 'role="alert"' in shown.content.decode()
    assert "Hello Thandi" in shown.content.decode()


def test_the_preview_is_for_those_who_may_look(welcome: Template, charlie, client_of) -> None:
    charlie.is_staff = True
    charlie.save()
    for place in ("preview", "frame"):
        assert client_of(charlie).get(f"{TEMPLATES}{welcome.pk}/{place}/").status_code == 403


def test_external_content_without_a_copy_is_named(content_api: ContentApi, db: None) -> None:
    made = create_template(name="News", actor="test")
    html = '{% external "news" %}<p>None</p>{% endexternal %}'
    version = save_version(made, subject="Hi", html=html, actor="test")
    before = preview(version, None)
    ready(["news"])
    run_until_idle()
    after = preview(version, None)

    assert (before.absent, before.rendered.html) == (["news"], "<p>None</p>")
    assert (after.absent, after.rendered.html) == ([], "<p>Fresh news</p>")


def test_an_sms_says_how_it_is_billed(alice, client_of, db: None) -> None:
    made = create_template(name="Reminder", channel="sms", actor="test")  # type: ignore[arg-type]
    save_version(made, text="See you ☺", actor="test")
    page = client_of(alice).get(f"{TEMPLATES}{made.pk}/change/").content.decode()

    assert "1 segment (UCS-2, 9 of 70)" in page
    assert "☺ make it dearer" in page
    assert 'name="html"' not in page


# --- moments ------------------------------------------------------------------------------------------


def told(
    source: str, *, zone: str = "", event_zone: str = "", at: object = "2027-03-01T15:05:00Z"
) -> str:
    context = {"contact": {"time_zone": zone}, "event": {"start_at": at, "time_zone": event_zone}}
    return parse_plain(source).render(context)


@pytest.mark.parametrize(
    ("zone", "event_zone", "date", "time"),
    [
        ("Africa/Johannesburg", "Europe/Berlin", "Monday, 1 March 2027", "17:05 SAST"),
        ("", "Europe/Berlin", "Monday, 1 March 2027", "16:05 CET"),
        ("", "", "Monday, 1 March 2027", "15:05 UTC"),
        ("Nowhere/Else", "", "Monday, 1 March 2027", "15:05 UTC"),
        ("Pacific/Auckland", "", "Tuesday, 2 March 2027", "04:05 NZDT"),
        ("America/Sao_Paulo", "", "Monday, 1 March 2027", "12:05 UTC-3"),
        ("Asia/Kolkata", "", "Monday, 1 March 2027", "20:35 IST"),
        ("Asia/Kathmandu", "", "Monday, 1 March 2027", "20:50 UTC+5:45"),
    ],
)
def test_a_moment_is_told_in_the_zone_of_the_reader(
    zone: str, event_zone: str, date: str, time: str
) -> None:
    assert told("{{ event.start_at | local_date }}", zone=zone, event_zone=event_zone) == date
    assert told("{{ event.start_at | local_time }}", zone=zone, event_zone=event_zone) == time


def test_a_moment_may_be_told_otherwise() -> None:
    moment = datetime(2027, 3, 1, 15, 5, tzinfo=UTC)

    assert told("{{ event.start_at | local_time: '%I:%M %p' }}", at=moment) == "03:05 PM"
    assert told("{{ event.start_at | local_date: '%d.%m.' }}", at=moment) == "01.03."
    assert told("{{ event.end_at | local_date | default: 'soon' }}") == "soon"


@pytest.mark.parametrize("at", ["tomorrow", "2027-03-01T15:00", 5])
def test_what_is_no_moment_fails_the_message_by_name(db: None, at: object) -> None:
    made = create_template(name="Reminder", actor="test")
    version = save_version(
        made, subject="{{ event.start_at | local_date }}", html="x", actor="test"
    )
    with pytest.raises(TemplateError, match=str(at)):
        compiled(version).render({"contact": {}, "event": {"start_at": at}})
