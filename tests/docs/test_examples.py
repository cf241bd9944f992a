"""The examples in the docs do what the docs say: each page's blocks are executed, in order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.django_db

DOCS = Path(settings.BASE_DIR) / "docs"
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = ["writing-workflows.md", "changing-workflows.md"]


@pytest.mark.parametrize("name", PAGES)
def test_the_examples_of_a_page_hold(name):
    text = (DOCS / name).read_text()
    namespace: dict[str, object] = {"__name__": "docs"}
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) >= 2

    for block in blocks:
        line = text[: block.start(1)].count("\n")
        source = "\n" * line + block.group(1)
        exec(compile(source, str(DOCS / name), "exec"), namespace)  # noqa: S102 - our own pages
