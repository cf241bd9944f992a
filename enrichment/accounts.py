"""Our account at a provider: paused for all workers at once when it is out of money or its key is refused."""

from __future__ import annotations

from django.db import transaction

from core import audit, clock
from core.errors import Conflict
from enrichment.models import AiAccount
from jobs.events.sending import send_event
from messaging.alerts import raise_alert

RESUMED = "ai.resumed"


def account_of(name: str) -> AiAccount:
    return AiAccount.objects.get_or_create(name=name)[0]


def paused_account(name: str) -> AiAccount | None:
    """Return the account of a provider where it is paused."""
    return AiAccount.objects.filter(name=name, paused_at__isnull=False).first()


def is_paused(name: str) -> bool:
    return paused_account(name) is not None


@transaction.atomic
def pause_account(name: str, *, reason: str) -> bool:
    """Let no more calls out, and alert staff; False where it was paused already."""
    account = account_of(name)
    running = AiAccount.objects.filter(pk=account.pk, paused_at=None)
    if not running.update(paused_at=clock.now(), paused_reason=reason):
        return False
    audit.record("ai_account.paused", account, actor=audit.SYSTEM, reason=reason)
    raise_alert(
        f"AI calls are paused: {name}",
        f"{reason}\n\nNothing more is asked until somebody has put this in order and presses Resume under AI accounts."
        " Runs that wait for it go on by themselves then; none of them has failed.",
    )
    return True


@transaction.atomic
def resume_account(account: AiAccount, *, actor: str) -> None:
    """Let calls out again, and wake the runs that wait. Raises Conflict unless it is paused."""
    paused = AiAccount.objects.filter(pk=account.pk, paused_at__isnull=False)
    if not paused.update(paused_at=None, paused_reason=""):
        raise Conflict(
            f"The account {account.name} is not paused.", field="account", value=account.name
        )
    account.refresh_from_db()
    audit.record("ai_account.resumed", account, actor=actor)
    send_event(RESUMED, {"account": account.name}, actor=actor)
