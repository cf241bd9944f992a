"""Plain text says what the HTML says."""

from __future__ import annotations

import pytest

from messaging.plain_text import plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<div>One</div><div>Two<br>Three</div>", "One\n\nTwo\nThree"),
        ("a &lt; b &amp; c&nbsp;d", "a < b & c d"),
        ('<a href="https://example.com/x">Look</a>!', "Look (https://example.com/x)!"),
        ('<a href="https://example.com">https://example.com</a>', "https://example.com"),
        ('<a href="mailto:a@example.com">a@example.com</a>', "a@example.com"),
        ('<a href="#top">Top</a>', "Top"),
        ('<a href="https://example.com"><img alt="Logo"></a>', "Logo (https://example.com)"),
        ('<a href="{{ unsubscribe_url }}">End</a>', "End ({{ unsubscribe_url }})"),
        ("<ul><li>One</li><li>Two</li></ul>", "- One\n\n- Two"),
        ("<table><tr><td>One</td><td>Two</td></tr></table>", "One Two"),
        ("One<hr>Two", "One\n\n---\n\nTwo"),
        ("<head><title>T</title><style>p{}</style></head><body>Seen</body>", "Seen"),
        ('<div style="display: none">Un<br>seen</div>Seen', "Seen"),
        ("<!-- not this -->This", "This"),
        ("Hi {{ contact.first_name | default: '<you>' }}", None),
        ("{% if data.a < data.b %}yes{% endif %}", None),
    ],
)
def test_html_becomes_text(html: str, text: str | None) -> None:
    assert plain_text(html) == (html if text is None else text)


@pytest.mark.parametrize("html", ["<p", "</p></p>", "<a href=x>", "<style>", "</style>x", "<<>>"])
def test_broken_html_is_no_obstacle(html: str) -> None:
    assert isinstance(plain_text(html), str)
