"""MJML becomes HTML that fits phones and the dark; what is wrong in it is named by its line."""

from __future__ import annotations

import pytest

from core.errors import Refused
from messaging.actions.templates import create_template, prepare_version, save_version
from messaging.channels import Channel
from messaging.models import Template, TemplateVersion
from messaging.rendering import compiled
from tests.messaging.content.people import BARE, FULL

SECTION = """<mj-section>
  <mj-column>
    <mj-text>Dear {{ contact.first_name | default: "friend" }}</mj-text>
    {% if event.join_url %}
    <mj-button href="{{ event.join_url }}">Join</mj-button>
    {% endif %}
  </mj-column>
</mj-section>"""


def version_of(html: str, **more: str) -> TemplateVersion:
    template = Template(channel=Channel.EMAIL)
    return prepare_version(template, actor="test", subject="Hello", html=html, **more)


def test_sections_stand_in_the_shared_layout() -> None:
    version = version_of(SECTION)
    html = compiled(version).render(FULL).html

    assert "mj-" not in html.replace("mj-column", "").replace("mj-outlook", "")
    assert "Dear Thandi" in html
    assert "https://mail.example.com/u/abc" in html
    assert "Harbour School" in html
    assert "12 Long Street" in html
    assert "@media (prefers-color-scheme:dark)" in html.replace(": dark", ":dark")
    assert "unsubscribe_url" in version.variables
    assert version.source_html == SECTION


def test_a_whole_document_stands_as_it_is() -> None:
    version = version_of(f"<mjml><mj-body>{SECTION}</mj-body></mjml>")
    html = compiled(version).render(FULL).html

    assert "Dear Thandi" in html
    assert "Harbour School" not in html


def test_liquid_between_sections_and_components_keeps_its_place() -> None:
    source = (
        f"{{% if event.title %}}{SECTION}{{% else %}}{SECTION.replace('Dear', 'Hi')}{{% endif %}}"
    )
    version = compiled(version_of(source))

    full, bare = version.render(FULL), version.render(BARE)

    assert ("Dear Thandi" in full.html, "Hi " in full.html, ">Join<" in full.html) == (
        True,
        False,
        True,
    )
    assert ("Dear" in bare.html, "Hi friend" in bare.html, ">Join<" in bare.html) == (
        False,
        True,
        False,
    )
    assert full.text.count("Join (https://example.com/join/8f2c)") == 1
    assert "Hi friend" in bare.text


def test_values_are_escaped_in_what_mjml_made() -> None:
    context = {**FULL, "contact": {**FULL["contact"], "first_name": "<b>Zoë</b>"}}

    assert "Dear &lt;b&gt;Zoë&lt;/b&gt;" in compiled(version_of(SECTION)).render(context).html


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<mj-section>\n<mj-colum>x</mj-colum></mj-section>", "Line 2: there is no tag <mj-colum>"),
        ("<mj-section>\n<mj-column>", "Line 2: <mj-column> is never closed"),
        (
            "<mj-section>\n<mj-column></mj-section>",
            "Line 2: </mj-section> stands where <mj-column> of line 2 ends",
        ),
        ("<mj-section></mj-section>\n</mj-column>", "Line 2: </mj-column> closes nothing"),
        ("<mj-text>a < b</mj-text>", "Line 1: a lone <"),
        ("<mj-text\n  a=b>x</mj-text>", "Line 1: <mj-text> has a value without quotes"),
        ('{% if\n x %}\n<mj-include path="/etc/passwd" />', "Line 3: mj-include reads files"),
        ("<mj-text><p>x</mj-text>", "Line 1: </mj-text> stands where <p> of line 1 ends"),
    ],
)
def test_what_is_wrong_is_named_by_its_line(html: str, words: str) -> None:
    with pytest.raises(Refused) as refusal:
        version_of(html)

    assert words in refusal.value.message
    assert (refusal.value.field, refusal.value.code) == ("html", "mjml")
    assert refusal.value.remedy


def test_void_elements_and_entities_need_no_care() -> None:
    html = "<mj-section><mj-column><mj-text>a<br>b &mdash; c<img alt='' src='https://x.org/a.png'></mj-text></mj-column></mj-section>"

    assert "b &mdash; c" in version_of(html).html.replace("—", "&mdash;")


def test_a_preheader_is_seen_in_the_inbox_alone() -> None:
    version = version_of(SECTION, preheader="For {{ contact.first_name | default: 'you' }} & co")
    rendered = compiled(version).render(FULL)
    before, _, after = rendered.html.partition("For Thandi & co")

    assert before.rstrip().endswith('color:transparent">')
    assert "<body" in before
    assert "Harbour School" not in before
    assert after.startswith("&#847;")
    assert "For Thandi" not in rendered.text


def test_a_preheader_stands_first_in_html_without_a_body() -> None:
    assert version_of("<p>Hi</p>", preheader="Line").html.startswith('<div style="display:none')


def test_a_preheader_makes_a_new_version_and_an_empty_one_does_not(db: None) -> None:
    template = create_template(name="Welcome", actor="test")
    first = save_version(template, subject="Hello", html="<p>Hi</p>", actor="test")
    same = save_version(template, subject="Hello", html="<p>Hi</p>", preheader="", actor="test")
    other = save_version(
        template, subject="Hello", html="<p>Hi</p>", preheader="Line", actor="test"
    )

    assert (same, other.number, other.preheader) == (first, 2, "Line")


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"preheader": "two\nlines"}, "preheader"),
        ({"preheader": "{{ contact.surname }}"}, "preheader"),
        ({"preheader": "x" * 301}, "preheader"),
    ],
)
def test_a_bad_preheader_is_refused(content: dict[str, str], field: str) -> None:
    with pytest.raises(Refused) as refusal:
        version_of("<p>Hi</p>", **content)
    assert refusal.value.field == field


def test_an_sms_has_no_preheader() -> None:
    with pytest.raises(Refused, match="An SMS has no preheader"):
        prepare_version(Template(channel=Channel.SMS), actor="test", text="Hi", preheader="x")
