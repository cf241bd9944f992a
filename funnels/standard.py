"""The two standard funnels: one that leads to an event, one that follows it. Built from the shipped templates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction

from core.errors import Refused
from funnels.actions.writing import create_funnel, draft_version, publish, write_steps
from funnels.models import Funnel
from funnels.states import Anchor, Condition, Direction, LatePolicy, Unit
from messaging.actions.installing import install_templates
from messaging.actions.senders import change_sender
from messaging.channels import Channel
from messaging.models import ProviderName, Sender, Template

BEFORE, AFTER = "Before the event", "After the event"
#: A new account of a real provider bears so many starts a minute; the sandbox any number.
PRESET = 50
#: And so many messages a minute, where the provider does not itself say how fast it may go, as Resend does.
MESSAGES_A_MINUTE = 100
UNTOLD = (ProviderName.SMTP, ProviderName.TWILIO)


@dataclass(frozen=True, kw_only=True)
class Delays:
    """How long after attendance is known each message of the funnel afterwards goes out."""

    resources: timedelta = timedelta(days=1)
    nurture: timedelta = timedelta(days=3)
    reengagement: timedelta = timedelta(days=2)
    final: timedelta = timedelta(days=7)


@dataclass(frozen=True)
class Installed:
    """What became of a funnel (`installed`, or `kept` as it is), or the pace that a sender begins with."""

    name: str
    outcome: str


def install_funnels(
    *,
    actor: str,
    email_sender: Sender | None = None,
    sms_sender: Sender | None = None,
    delays: Delays | None = None,
) -> list[Installed]:
    """Bring the standard funnels in and publish them; one that stands there already is left as it is.

    A sender of theirs whose provider does not say how fast it may go, and that has no rate, begins with a preset.
    Without a sender for SMS their reminders are e-mails alone. Raises Refused where there is no sender for e-mails.
    """
    install_templates(actor=actor)
    email = email_sender or _only(Channel.EMAIL)
    if email is None:
        raise Refused(
            "There is no sender for e-mails, or a choice.",
            field="email_sender",
            remedy="Name one: --email-sender snd_…",
        )
    sms = sms_sender or _only(Channel.SMS)
    done = [
        _install(BEFORE, before_steps(has_sms=sms is not None), email, sms, actor=actor),
        _install(AFTER, after_steps(delays or Delays()), email, None, actor=actor),
    ]
    if all(each.outcome == "kept" for each in done):
        return done
    return done + [_pace(each, actor=actor) for each in (email, sms) if each and _is_unpaced(each)]


def before_steps(*, has_sms: bool) -> list[dict[str, Any]]:
    """Return the steps that lead to an event."""
    return [
        _step("welcome", Anchor.ENROLLED, late_policy=LatePolicy.SEND_NOW),
        _reminder("reminder-24h", hours=24, has_sms=has_sms),
        _reminder("reminder-1h", hours=1, has_sms=has_sms),
    ]


def after_steps(delays: Delays) -> list[dict[str, Any]]:
    """Return the steps that follow an event, for those who came and for those who did not."""
    at_once = timedelta(0)
    plan = [
        ("thank-you", at_once, Condition.ATTENDED),
        ("resources", delays.resources, Condition.ATTENDED),
        ("nurture", delays.nurture, Condition.ATTENDED),
        ("sorry-missed", at_once, Condition.NO_SHOW),
        ("reengagement", delays.reengagement, Condition.NO_SHOW),
        ("final-followup", delays.final, Condition.NO_SHOW),
    ]
    return [
        _step(name, Anchor.SETTLED, **_after(delay), condition=condition, late_policy="send_now")
        for name, delay, condition in plan
    ]


def _reminder(name: str, *, hours: int, has_sms: bool) -> dict[str, Any]:
    sms = {"sms_template": _template(f"{name}-sms")} if has_sms else {}
    return _step(
        name, Anchor.START, amount=hours, unit=Unit.HOURS, direction=Direction.BEFORE, **sms
    )


def _step(name: str, anchor: Anchor, **more: Any) -> dict[str, Any]:
    return {"name": name, "anchor": anchor, "email_template": _template(name), **more}


def _after(delay: timedelta) -> dict[str, Any]:
    """Return a delay as whole days where it is some, else as minutes."""
    days, rest = divmod(delay, timedelta(days=1))
    if days and not rest:
        return {"amount": days, "unit": Unit.DAYS}
    return {"amount": delay // timedelta(minutes=1), "unit": Unit.MINUTES}


def _template(name: str) -> Template:
    return Template.objects.get(name__iexact=name)


@transaction.atomic
def _install(
    name: str, steps: list[dict[str, Any]], email: Sender, sms: Sender | None, *, actor: str
) -> Installed:
    if Funnel.objects.filter(name__iexact=name).exists():
        return Installed(name, "kept")
    senders = [sender for sender in (email, sms) if sender]
    is_real = any(sender.provider != ProviderName.SANDBOX for sender in senders)
    funnel = create_funnel(name, actor=actor, starts_per_minute=PRESET if is_real else None)
    draft = draft_version(funnel, actor=actor)
    draft.email_sender, draft.sms_sender = email, sms
    draft.save(update_fields=["email_sender", "sms_sender"])
    write_steps(draft, steps)
    publish(draft, actor=actor)
    return Installed(name, "installed")


def _is_unpaced(sender: Sender) -> bool:
    return sender.provider in UNTOLD and sender.rate_per_second is None


def _pace(sender: Sender, *, actor: str) -> Installed:
    change_sender(sender, actor=actor, rate_per_second=round(MESSAGES_A_MINUTE / 60, 3))
    return Installed(sender.name, f"{MESSAGES_A_MINUTE} messages a minute, to begin with")


def _only(channel: Channel) -> Sender | None:
    """Return the one sender of a channel, or nothing where there is none or a choice."""
    found = list(Sender.objects.filter(channel=channel)[:2])
    return found[0] if len(found) == 1 else None
