"""What is not documented fails: every setting, command, check, endpoint and scope; and links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands
from drf_spectacular.generators import SchemaGenerator

from core.api.permissions import known_scopes

ROOT = Path(settings.BASE_DIR)
APPS = (
    "campaigns",
    "config",
    "core",
    "enrichment",
    "funnels",
    "imports",
    "jobs",
    "messaging",
    "tenders",
)
READ = re.compile(r'(?:env\.\w+|required_in_production)\(\s*"([A-Z][A-Z_]+)"')
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]


def text(*names: str) -> str:
    return "\n".join((ROOT / name).read_text() for name in names)


def settings_in_code() -> set[str]:
    return set(READ.findall(text("config/settings.py", "deploy/gunicorn.conf.py")))


def test_the_example_file_holds_exactly_the_settings() -> None:
    example = set(re.findall(r"^#? ?([A-Z][A-Z_]+)=", text(".env.example"), re.MULTILINE))

    assert example == settings_in_code()


def test_the_page_of_settings_holds_exactly_the_settings() -> None:
    table = text("docs/configuration.md").split("For development")[0]
    documented = set(re.findall(r"^\| `([A-Z][A-Z_]+)` \|", table, re.MULTILINE))

    assert documented == settings_in_code()


def test_every_check_is_documented() -> None:
    documented = set(
        re.findall(r"^\| `(config\.[EW]\d+)` \|", text("docs/configuration.md"), re.MULTILINE)
    )

    assert documented == set(re.findall(r'id="(config\.[EW]\d+)"', text("config/checks.py")))


def test_every_command_is_documented() -> None:
    ours = {name for name, app in get_commands().items() if app in APPS}

    documented = set(re.findall(r"`manage\.py (\w+)", text("docs/operations.md")))
    assert ours - documented == set()


def test_every_endpoint_is_documented() -> None:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    served = {f"{m.upper()} {path}" for path, found in schema["paths"].items() for m in found}

    documented = set(
        re.findall(r"`((?:GET|POST|PATCH|PUT|DELETE) /api/v1/\S+)`", text("docs/api.md"))
    )
    assert documented == served


def test_every_scope_is_documented() -> None:
    documented = set(re.findall(r"`(\w+:\w+)`", text("docs/api.md")))

    assert documented == set(known_scopes())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())

    missing = [link for link in links if not (document.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", text("README.md"), re.MULTILINE))
def test_the_commands_of_the_readme_exist(target: str) -> None:
    assert re.search(rf"^{target}:.*## ", text("Makefile"), re.MULTILINE)
