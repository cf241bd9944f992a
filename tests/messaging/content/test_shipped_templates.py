"""The templates that come with the house can be sent to anybody, and are installed over nobody's own work."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from django.core.management import call_command

from core.models import AuditEntry
from messaging.actions.installing import install_templates
from messaging.actions.templates import create_template, prepare_version, save_version
from messaging.channels import Channel
from messaging.models import Template, TemplateVersion
from messaging.proofreading import CLIPPED_BYTES, remarks_on
from messaging.rendering import Rendered, compiled
from messaging.shipped import FOLDER, NAMES, ShippedTemplate, shipped_templates
from tests.messaging.content.people import BARE, FULL

EMAILS = [each for each in shipped_templates() if each.channel == Channel.EMAIL]
TEXTS = [each for each in shipped_templates() if each.channel == Channel.SMS]


def version_of(shipped: ShippedTemplate) -> TemplateVersion:
    return prepare_version(Template(channel=shipped.channel), actor="test", **shipped.source)


def rendered(shipped: ShippedTemplate, context: dict[str, object]) -> Rendered:
    return compiled(version_of(shipped)).render(context)


def test_the_mission_s_templates_are_there_and_no_file_is_forgotten() -> None:
    files = {path.stem for path in FOLDER.glob("*.*") if path.suffix in {".mjml", ".txt"}}

    assert set(NAMES) == files - {"layout"}
    assert len(NAMES) == 11
    assert {each.name for each in TEXTS} == {"reminder-24h-sms", "reminder-1h-sms"}


@pytest.mark.parametrize("shipped", EMAILS, ids=lambda each: each.name)
@pytest.mark.parametrize("context", [FULL, BARE], ids=["everything known", "next to nothing"])
def test_an_email_is_whole_for_anybody(
    shipped: ShippedTemplate, context: dict[str, object]
) -> None:
    mail = rendered(shipped, context)

    assert 5 <= len(mail.subject) <= 78
    assert len(mail.html.encode()) < CLIPPED_BYTES / 4
    assert remarks_on(mail.html) == []
    assert "https://mail.example.com/u/abc" in mail.html
    assert "https://mail.example.com/u/abc" in mail.text
    assert "<" not in mail.text
    assert "\n\n\n" not in mail.text
    assert "{" not in mail.text + mail.subject
    assert "prefers-color-scheme" in mail.html
    assert 'name="color-scheme" content="light dark"' in mail.html
    assert re.search(r"@media[^{]*480px", mail.html)
    assert "Harbour School" in mail.text


@pytest.mark.parametrize("shipped", EMAILS, ids=lambda each: each.name)
def test_an_email_has_a_line_for_the_inbox(shipped: ShippedTemplate) -> None:
    assert 20 <= len(compiled_line(shipped, FULL)) <= 110
    assert 15 <= len(compiled_line(shipped, BARE)) <= 110


def compiled_line(shipped: ShippedTemplate, context: dict[str, object]) -> str:
    html = rendered(shipped, context).html
    found = re.search(r"color:transparent\">(.*?)&#847;", html)
    assert found
    return found.group(1)


@pytest.mark.parametrize("shipped", TEXTS, ids=lambda each: each.name)
def test_an_sms_is_short_and_says_how_to_end_it(shipped: ShippedTemplate) -> None:
    full, bare = rendered(shipped, FULL).text, rendered(shipped, BARE).text

    assert len(full) <= 160
    assert full.isascii()
    assert full.startswith("Harbour School: Fundraising for small teams")
    assert "17:00 SAST" in full
    assert "https://example.com/join/8f2c" in full
    assert full.endswith("Reply STOP to end.")
    assert "our event" in bare
    assert "http" not in bare


def test_times_are_those_of_the_person() -> None:
    reminder = next(each for each in EMAILS if each.name == "reminder-24h")
    context = {**FULL, "contact": {**FULL["contact"], "time_zone": "Asia/Kathmandu"}}

    text = rendered(reminder, context).text

    assert "Tuesday, 2 March 2027" in text
    assert "20:45 UTC+5:45, your time" in text


# --- installing ---------------------------------------------------------------------------------------


def outcomes() -> dict[str, str]:
    return {each.name: each.outcome for each in install_templates(actor="command:root")}


def test_installing_twice_changes_nothing_the_second_time(db: None) -> None:
    assert set(outcomes().values()) == {"installed"}
    assert set(outcomes().values()) == {"up to date"}

    assert Template.objects.count() == TemplateVersion.objects.count() == 11
    entries = AuditEntry.objects.filter(verb="template.version_saved")
    assert (entries.count(), set(entries.values_list("actor", flat=True))) == (11, {"command:root"})


def test_what_a_person_wrote_is_kept(db: None) -> None:
    install_templates(actor="command:root")
    welcome = Template.objects.get(name="welcome")
    save_version(welcome, subject="Mine", html="<p>Mine</p>", actor="staff:alice")
    own = create_template(name="Nurture2", actor="staff:alice")

    result = {each.name: each for each in install_templates(actor="command:root")}

    assert (result["welcome"].outcome, result["welcome"].why) == (
        "kept",
        "staff:alice wrote version 2",
    )
    assert welcome.latest.subject == "Mine"
    assert own.latest is None


def test_a_name_that_staff_took_first_is_left_to_them(db: None) -> None:
    mine = create_template(name="Welcome", actor="staff:alice")
    save_version(mine, subject="Mine", html="<p>Mine</p>", actor="staff:alice")
    create_template(name="nurture", channel=Channel.SMS, actor="staff:alice")

    result = outcomes()

    assert (result["welcome"], result["nurture"], result["resources"]) == (
        "kept",
        "kept",
        "installed",
    )
    assert mine.versions.count() == 1


def test_what_we_shipped_before_is_brought_up_to_date(db: None) -> None:
    old = create_template(name="welcome", actor="command:root")
    save_version(old, subject="Old", html="<p>Old</p>", actor="command:root", author="shipped")

    assert outcomes()["welcome"] == "updated"
    assert [version.number for version in old.versions.order_by("number")] == [1, 2]


def test_the_command_says_what_it_did(db: None) -> None:
    out = StringIO()
    call_command("install_templates", stdout=out)
    lines = out.getvalue().splitlines()

    assert lines[0] == "welcome: installed, version 1"
    assert lines[-1] == "11 installed"
    assert len(lines) == 12
