"""One click ends the mail: RFC 8058 for mail programs, a small page for people."""

from __future__ import annotations

import pytest
from django.test import Client

from core.models import AuditEntry
from messaging import unsubscribe
from messaging.channels import Channel
from messaging.models import Consent, ConsentEvent, Contact, Suppression


@pytest.fixture
def link(thandi: Contact) -> str:
    return f"/u/{unsubscribe.token_for(thandi, message=77)}"


@pytest.fixture
def browser() -> Client:
    """A browser without cookies, for which missing CSRF tokens count."""
    return Client(enforce_csrf_checks=True)


def one_click(browser: Client, link: str):
    return browser.post(
        link,
        "List-Unsubscribe=One-Click",
        content_type="application/x-www-form-urlencoded",
    )


def test_headers_follow_the_rfc(thandi: Contact, settings) -> None:
    settings.PUBLIC_URL = "https://mail.example.com"

    url = unsubscribe.unsubscribe_url(thandi, message=77)

    assert url.startswith("https://mail.example.com/u/")
    assert unsubscribe.list_unsubscribe_headers(url) == {
        "List-Unsubscribe": f"<{url}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_a_token_names_person_channel_and_message_without_an_address(thandi: Contact) -> None:
    token = unsubscribe.token_for(thandi, channel=Channel.SMS, message=77)

    found = unsubscribe.read_token(token)
    assert (found.contact, found.channel, found.message) == (thandi.pk, Channel.SMS, 77)
    assert "@" not in token
    assert len(token) < 100


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_link_changes_nothing(browser: Client, link: str, method: str) -> None:
    audited = AuditEntry.objects.count()

    response = getattr(browser, method)(link)

    assert response.status_code == 200
    assert Consent.objects.get().state == "granted"
    assert ConsentEvent.objects.count() == 1
    assert Suppression.objects.count() == 0
    assert AuditEntry.objects.count() == audited


def test_a_mail_program_unsubscribes_with_one_post(
    browser: Client, link: str, thandi: Contact
) -> None:
    response = one_click(browser, link)

    assert response.status_code == 200
    assert response.cookies == {}
    event = ConsentEvent.objects.get(contact=thandi, state="withdrawn")
    assert (event.source, event.actor, event.ip_address) == ("one-click", "recipient", "127.0.0.1")
    suppression = Suppression.objects.get()
    assert (suppression.channel, suppression.address_hash) == ("email", thandi.email_hash)
    assert suppression.reason == "unsubscribed"
    assert AuditEntry.objects.get(verb="contact.unsubscribed").detail["message"] == "msg_2d"


@pytest.mark.parametrize(
    ("is_behind", "forwarded", "kept"),
    [
        (False, "198.51.100.7", "127.0.0.1"),
        (True, "198.51.100.7", "198.51.100.7"),
        (True, "192.0.2.1, 2001:db8::7", "2001:db8::7"),
        (True, "198.51.100.7, unknown", "127.0.0.1"),
        (True, "", "127.0.0.1"),
    ],
)
def test_the_address_kept_is_the_one_our_own_proxy_names(
    browser: Client, link: str, settings, is_behind: bool, forwarded: str, kept: str
) -> None:
    settings.BEHIND_PROXY = is_behind

    browser.post(link, headers={"X-Forwarded-For": forwarded})

    assert ConsentEvent.objects.get(state="withdrawn").ip_address == kept


def test_a_second_click_changes_nothing(browser: Client, link: str) -> None:
    answers = [one_click(browser, link).status_code, one_click(browser, link).status_code]

    assert answers == [200, 200]
    assert ConsentEvent.objects.filter(state="withdrawn").count() == 1
    assert Suppression.objects.count() == 1


def test_a_person_unsubscribes_with_the_pages_button(browser: Client, link: str) -> None:
    response = browser.post(link, {"action": "unsubscribe"})

    assert b"You are unsubscribed" in response.content
    assert ConsentEvent.objects.get(state="withdrawn").source == "page"


def test_a_person_can_take_it_back(browser: Client, link: str) -> None:
    one_click(browser, link)

    response = browser.post(link, {"action": "resubscribe"})

    assert b"Unsubscribe from these messages?" in response.content
    assert Consent.objects.get().state == "granted"
    assert Suppression.objects.count() == 0


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("token", ["nonsense", "a.b", "AAAA.x", "é"])
def test_a_link_that_we_did_not_sign_is_not_there(
    db, browser: Client, token: str, method: str
) -> None:
    assert getattr(browser, method)(f"/u/{token}").status_code == 404


def test_a_changed_token_ends_nobodys_subscription(browser: Client, link: str) -> None:
    changed = link.replace("/u/A", "/u/B")

    assert changed != link
    assert one_click(browser, changed).status_code == 404
    assert Consent.objects.get().state == "granted"


def test_a_person_who_is_gone_has_no_page(db, browser: Client) -> None:
    assert (
        browser.get(f"/u/{unsubscribe.token_for(Contact(email='gone@example.com'))}").status_code
        == 404
    )


def test_the_page_is_kept_from_indexes_caches_and_foreign_content(
    browser: Client, link: str
) -> None:
    response = browser.get(link)

    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert "no-store" in response["Cache-Control"]
    assert b"thandi" not in response.content.lower()
    assert b"http://" not in response.content
    assert b"https://" not in response.content


@pytest.mark.parametrize(
    ("named", "heeded"),
    [
        ("https://example.com/alerts/abc", True),
        ("https://example.com/>\r\nBcc: x@example.com", False),
        ("https://example.com/a b", False),
        ("javascript:alert(1)", False),
        (["https://example.com"], False),
        ("", False),
    ],
)
def test_a_message_may_name_its_own_way_out_if_it_is_an_address(named: object, heeded: bool):
    assert unsubscribe.own_page({"unsubscribe_url": named}) == (named if heeded else "")
