"""A template says to each person what it should, escapes what it must, and always ends."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from messaging.rendering import TemplateError, compiled


@dataclass
class Content:
    subject: str = ""
    html: str = ""
    text: str = ""


CONTEXT = {
    "contact": {"first_name": "Zoë <b>", "attributes": {"company": "Smith & Co", "vip": True}},
    "data": {"items": [{"name": "one"}, {"name": "two"}], "line": "a\r\nBcc: x@example.com"},
    "unsubscribe_url": "https://mail.example.com/u/abc",
}


def rendered(text: str) -> str:
    return compiled(Content(text=text)).render(CONTEXT).text


def test_values_are_escaped_in_html_and_nowhere_else() -> None:
    said = "{{ contact.first_name }} of {{ contact.attributes.company }}"

    result = compiled(Content(subject=said, html=f"<p>{said}</p>", text=said)).render(CONTEXT)

    assert result.html == "<p>Zoë &lt;b&gt; of Smith &amp; Co</p>"
    assert result.subject == result.text == "Zoë <b> of Smith & Co"


@pytest.mark.parametrize(
    "filters",
    ["upcase", "append: '!'", "url_decode", "strip_html", "newline_to_br", "truncate: 30"],
)
def test_no_filter_lets_a_value_become_markup(filters: str) -> None:
    context = {"data": {"x": "<script>&lt;%3Cscript%3E"}}

    html = compiled(Content(html=f"{{{{ data.x | {filters} }}}}")).render(context).html

    assert "<script" not in html.lower().replace("<br />", "")


def test_a_value_cannot_add_a_header() -> None:
    subject = compiled(Content(subject="{{ data.line }}")).render(CONTEXT).subject

    assert subject == "a Bcc: x@example.com"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ contact.attributes.town | default: 'your town' }}", "your town"),
        ("{% if contact.attributes.town %}yes{% else %}no{% endif %}", "no"),
        ("{% if contact.attributes.vip %}yes{% endif %}", "yes"),
        ("{% for item in data.items %}{{ item.name }} {% endfor %}", "one two "),
    ],
)
def test_templates_can_ask_for_what_a_person_lacks(template: str, said: str) -> None:
    assert rendered(template) == said


def test_a_variable_without_a_value_is_an_error_that_names_it() -> None:
    with pytest.raises(TemplateError) as error:
        rendered("Hello {{ contact.attributes.town | upcase }}")

    assert error.value.variable == "contact.attributes.town"


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in (1..100000) %}x{% endfor %}",
        "{% tablerow i in (1..100000) %}x{% endtablerow %}",
        "{% assign a = 'xxxxxxxxxx' %}{% for i in (1..99) %}{% assign a = a | append: a %}"
        "{% endfor %}",
        "{% assign a = 'x' %}{% for i in (1..16) %}{% assign a = a | append: a %}{% endfor %}"
        "{% for i in (1..100) %}{{ a }}{% endfor %}",
    ],
)
def test_what_would_not_end_or_would_grow_is_stopped(template: str) -> None:
    with pytest.raises(TemplateError):
        rendered(template)


@pytest.mark.parametrize("template", ["{{ 1 | divided_by: 0 }}", "{{ data.items | slice: 'x' }}"])
def test_a_failing_filter_is_a_template_error(template: str) -> None:
    with pytest.raises(TemplateError) as error:
        rendered(template)

    assert error.value.variable == ""


def test_objects_are_closed_to_templates() -> None:
    class Person:
        secret = "s3cret"

    context = {"contact": Person()}

    with pytest.raises(TemplateError):
        compiled(Content(text="{{ contact.secret }}")).render(context)


def test_a_content_is_parsed_once() -> None:
    assert compiled(Content(text="Hi {{ data.x }}")) is compiled(Content(text="Hi {{ data.x }}"))
