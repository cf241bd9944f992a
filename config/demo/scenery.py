"""What the demo shows: staff, contacts from a file, a letter, a sender, and a campaign. Made once, used again."""

from __future__ import annotations

import secrets
from pathlib import Path

from django.contrib.auth.models import User

from campaigns.actions import create_campaign
from campaigns.models import Campaign
from core.roles import Role, set_role
from imports.actions import create_batch, store_path
from imports.models import CsvBatch
from imports.states import Go
from imports.terminal import watch_batch
from messaging.actions.consent import suppress_address, withdraw_consent
from messaging.actions.templates import create_template, save_version
from messaging.channels import Channel
from messaging.models import Contact, ContactList, Sender, SuppressionReason, Template

ACTOR = "command:demo"
CONTACTS = Path(__file__).with_name("contacts.csv")
LIST = "Newsletter readers"
RATE_PER_SECOND = 200.0
PASSWORD_BYTES = 9
STAFF = {"alice": Role.OWNER, "oscar": Role.OPERATOR, "bob": Role.VIEWER}
#: People of the sample file who changed their minds, so that the summary has something to explain.
WITHDREW = 40
BOUNCED = 12

SUBJECT = (
    "{{ contact.first_name | default: 'Hello' }}, spring has come to {{ contact.attributes.city }}"
)
HTML = """\
<style>
  h1 { color: #14532d; font-family: Georgia, serif; }
  p { color: #1f2937; font-family: sans-serif; line-height: 1.6; }
  .button { background: #166534; border-radius: 6px; color: #ffffff; padding: 10px 18px; }
</style>
<h1>Dear {{ contact.first_name | default: 'friend' }}</h1>
<p>The first trains of the season leave {{ contact.attributes.city }} next week.</p>
<p><a class="button" href="https://example.com/spring">See where they go</a></p>
<p>You get this letter because you asked for it. <a href="{{ unsubscribe_url }}">No more of these</a>.</p>
"""


def make_staff() -> str:
    """Make alice (owner), oscar (operator) and bob (viewer) with one new password; return it."""
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    for name, role in STAFF.items():
        user, _ = User.objects.get_or_create(username=name)
        user.set_password(password)
        user.save(update_fields=["password"])
        set_role(user, role, actor=ACTOR)
    return password


def import_contacts() -> CsvBatch:
    """Import the sample file as a durable run, and wait for it."""
    batch = create_batch(
        store_path(CONTACTS),
        file_name=CONTACTS.name,
        target="contacts",
        actor=ACTOR,
        go=Go.IMPORT,
        options={
            "list_name": LIST,
            "consent_source": "sample sign-up form",
            "consent_wording": "Yes, write to me when the seasons change.",
        },
    )
    watch_batch(batch)
    return batch


def let_some_leave() -> None:
    """Have some people withdraw, and some addresses bounce, as in any list."""
    people = list(Contact.objects.filter(lists__name=LIST).order_by("email")[: WITHDREW + BOUNCED])
    for person in people[:WITHDREW]:
        withdraw_consent(person, Channel.EMAIL, source="sample", actor=ACTOR)
    for person in people[WITHDREW:]:
        suppress_address(
            Channel.EMAIL, person.email_hash, reason=SuppressionReason.BOUNCED, actor=ACTOR
        )


def make_campaign() -> Campaign:
    """Make a new draft to everybody of the sample file."""
    template = Template.objects.filter(name="Spring letter").first()
    if template is None:
        template = create_template(name="Spring letter", actor=ACTOR)
        save_version(template, subject=SUBJECT, html=HTML, actor=ACTOR)
    sender, _ = Sender.objects.get_or_create(
        name="Longhaul demo",
        defaults={
            "from_email": "news@example.com",
            "from_name": "The Longhaul",
            "rate_per_second": RATE_PER_SECOND,
        },
    )
    number = Campaign.objects.count() + 1
    return create_campaign(
        f"Spring letter, part {number}",
        template=template,
        sender=sender,
        lists=[ContactList.objects.get(name=LIST)],
        actor=ACTOR,
    )
