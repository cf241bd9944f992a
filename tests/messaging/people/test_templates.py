"""A version is checked before it is saved, prepared once, and never changes."""

from __future__ import annotations

import pytest

from core.errors import Conflict, Refused
from core.models import AuditEntry
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import Template, TemplateVersion
from messaging.models.append_only import RewriteError
from messaging.rendering import compiled, contact_context
from messaging.variables import missing

HTML = """<style>p { color: red } @media (max-width: 600px) { p { color: blue } }</style>
<p title="{{ sender.name }}">Dear {{ contact.first_name }},</p>
<table>{% for row in data.rows %}<tr><td>{{ row.name }}</td></tr>{% endfor %}</table>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p>"""


@pytest.fixture
def welcome(db) -> Template:
    return create_template(name="Welcome", actor="staff:alice")


def save(template: Template, **content: str) -> TemplateVersion:
    content.setdefault("subject", "Hello")
    return save_version(template, actor="staff:alice", **content)


def test_a_version_keeps_what_was_written_and_what_goes_out(welcome: Template) -> None:
    version = save(welcome, subject="Hello {{ contact.first_name }}", html=HTML)

    assert version.number == 1
    assert version.source_html == HTML
    assert 'style="color: red;"' in version.html
    assert "@media" in version.html
    assert version.variables == [
        "contact.first_name",
        "data.rows",
        "sender.name",
        "unsubscribe_url",
    ]
    assert version.created_by == "staff:alice"


def test_loops_in_tables_survive_inlining(welcome: Template) -> None:
    version = save(welcome, html=HTML)
    context = {
        "contact": {"first_name": "Zoë"},
        "sender": {"name": "Acme"},
        "data": {"rows": [{"name": "one"}, {"name": "two"}]},
        "unsubscribe_url": "https://mail.example.com/u/abc",
    }

    result = compiled(version).render(context)

    assert result.html.count("<tr><td>") == 2
    assert '<p title="Acme" style="color: red;">Dear Zoë,</p>' in result.html
    assert "Unsubscribe (https://mail.example.com/u/abc)" in result.text


def test_the_same_content_makes_no_new_version(welcome: Template) -> None:
    first = save(welcome, html="<p>Hi</p>")
    again = save(welcome, html="<p>Hi</p>")
    other = save(welcome, html="<p>Hi!</p>")

    assert again == first
    assert [first.number, other.number] == [1, 2]
    assert welcome.latest == other
    assert AuditEntry.objects.filter(verb="template.version_saved").count() == 2


def test_staff_can_write_the_plain_text(welcome: Template) -> None:
    version = save(welcome, html="<p>Long</p>", text="Short")

    assert (version.text, version.source_text) == ("Short", "Short")


def test_a_version_never_changes(welcome: Template) -> None:
    version = save(welcome, html="<p>Hi</p>")
    version.html = "<p>Other</p>"

    with pytest.raises(RewriteError):
        version.save()
    with pytest.raises(RewriteError):
        TemplateVersion.objects.update(html="x")


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        ({"html": "<p>{{ contact.surname }}</p>"}, "html", "'contact.surname'"),
        ({"html": "{{ name }} {{ first }}"}, "html", "'first', 'name'"),
        ({"html": "{{ contact }}"}, "html", "'contact'"),
        ({"html": "{{ contact[data.field] }}"}, "html", "'contact.*'"),
        ({"html": "{{ unsubscribe_url.x }}"}, "html", "'unsubscribe_url.x'"),
        ({"html": "x", "subject": "{{ sender.phone }}"}, "subject", "'sender.phone'"),
        ({"html": "x", "text": "{{ contact.first_name | shout }}"}, "text", "filter 'shout'"),
        ({"html": "{{ contact.first_name | safe }}"}, "html", "filter 'safe'"),
        ({"html": "one\n{% if x %}two"}, "html", "Line"),
        ({"html": "one\n{{ contact.first_name }"}, "html", "Line 2"),
        ({"html": "{% include 'secrets' %}"}, "html", "include"),
        ({"html": "x", "subject": "two\nlines"}, "subject", "one line"),
        ({"html": "x", "subject": " "}, "subject", "needs a subject"),
        ({"html": " "}, "html", "needs a body"),
        ({"html": "a\0b"}, "html", "cannot be stored"),
        ({"html": "x" * 400_001}, "html", "400,000"),
    ],
)
def test_bad_content_is_refused_by_name_and_nothing_is_saved(
    welcome: Template, content: dict[str, str], field: str, words: str
) -> None:
    with pytest.raises(Refused) as refusal:
        save(welcome, **content)

    assert refusal.value.field == field
    assert words in refusal.value.message
    assert refusal.value.remedy
    assert TemplateVersion.objects.count() == 0


def test_a_refused_variable_lists_what_there_is(welcome: Template) -> None:
    with pytest.raises(Refused) as refusal:
        save(welcome, html="{{ contact.surname }}")

    assert "contact.last_name" in refusal.value.remedy
    assert "contact.attributes.*" in refusal.value.remedy


def test_styles_are_not_fetched_from_files(welcome: Template, tmp_path) -> None:
    sheet = tmp_path / "x.css"
    sheet.write_text("p { color: green }")

    version = save(
        welcome, html=f'<style>b {{}}</style><link rel="stylesheet" href="{sheet}"><p>Hi</p>'
    )

    assert "green" not in version.html


def test_html_without_a_style_sheet_is_left_as_it_was_written(welcome: Template) -> None:
    html = "<p  class=x>Hi {{contact.first_name}}"

    assert save(welcome, html=html).html == html


def test_an_sms_has_a_text_and_nothing_else(db) -> None:
    reminder = create_template(name="Reminder", channel=Channel.SMS, actor="system")

    assert save(reminder, subject="", text="See you at 9").text == "See you at 9"
    with pytest.raises(Refused, match="An SMS has no html"):
        save(reminder, subject="", html="<p>x</p>", text="x")
    with pytest.raises(Refused, match="An SMS needs a text"):
        save(reminder, subject="", text="")


def test_a_template_is_named_once(welcome: Template) -> None:
    with pytest.raises(Conflict, match="already a template named 'WELCOME'"):
        create_template(name="WELCOME", actor="system")
    with pytest.raises(Refused, match="needs a name"):
        create_template(name="", actor="system")


def test_what_a_person_lacks_is_named_for_the_preview(welcome: Template, sipho) -> None:
    version = save(welcome, html="{{ contact.first_name }} {{ contact.attributes.town }}")

    assert missing(version.variables, {"contact": contact_context(sipho)}) == [
        "contact.attributes.town"
    ]
