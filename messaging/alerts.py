"""Tells staff by mail of what only a person can mend."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from jobs.starting import start_run

log = logging.getLogger(__name__)

#: An alert stands so many seconds further ahead in the queue than it is old.
HEAD_START = 3600


def raise_alert(subject: str, text: str) -> None:
    """Alert staff once the caller's transaction commits: a line in the log, and mail by a run of its own.

    The text goes to those of ALERT_EMAILS, so it holds no personal data.
    """
    transaction.on_commit(lambda: log.error("alert: %s", subject))
    if settings.ALERT_EMAILS:
        start_run("messaging.alert", input={"subject": subject, "text": text}, priority=HEAD_START)


def mail_staff(subject: str, text: str) -> int:
    """Hand one mail to the house's own mail server; return to how many people. Raises what that server answers."""
    recipients = settings.ALERT_EMAILS
    send_mail(f"[Longhaul] {subject}", text, settings.ALERT_FROM, recipients)
    return len(recipients)
