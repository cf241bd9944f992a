"""The people: contacts, and the lists they are on."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from core import clock
from core.ids import PublicIdModel
from messaging.addresses import address_hash
from messaging.channels import Channel


class Contact(PublicIdModel):
    """A person, known by a normalised e-mail address, an E.164 number, or both.

    The keyed hash of each address stands beside it, so that SQL can join suppressions. People who
    leave are anonymised, not deleted: their consent history must stay.
    """

    id_prefix = "con"

    email = models.CharField("e-mail", max_length=254, unique=True, null=True, blank=True)
    phone = models.CharField(max_length=16, unique=True, null=True, blank=True)
    email_hash = models.CharField(max_length=64, blank=True, editable=False)
    phone_hash = models.CharField(max_length=64, blank=True, editable=False)
    first_name = models.CharField(max_length=120, blank=True)
    last_name = models.CharField(max_length=120, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    locale = models.CharField(max_length=16, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    erased_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="anonymised at the person's wish"
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        permissions = [("export_contact", "Can export everything about a contact")]
        constraints = [
            models.CheckConstraint(
                condition=Q(email__isnull=True) | Q(email=Lower("email")),
                name="contact_email_is_lower_case",
            ),
            models.CheckConstraint(
                condition=Q(email__isnull=True, email_hash="")
                | (Q(email__isnull=False) & ~Q(email_hash="")),
                name="contact_email_hash_stands_beside_email",
            ),
            models.CheckConstraint(
                condition=Q(phone__isnull=True, phone_hash="")
                | (Q(phone__isnull=False) & ~Q(phone_hash="")),
                name="contact_phone_hash_stands_beside_phone",
            ),
        ]
        indexes = [
            models.Index(
                fields=["email_hash"], condition=~Q(email_hash=""), name="contact_email_hash"
            ),
            models.Index(
                fields=["phone_hash"], condition=~Q(phone_hash=""), name="contact_phone_hash"
            ),
            # Prefix search by surname; PostgreSQL needs the operator class for LIKE 'x%'.
            models.Index(
                fields=["last_name"], opclasses=["varchar_pattern_ops"], name="contact_last_name"
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.first_name} {self.last_name}".strip()
            or self.email
            or self.phone
            or self.public_id
        )

    def address(self, channel: Channel) -> str:
        """Return where this person is reached on a channel, or nothing."""
        address: str | None = getattr(self, channel.address_field)
        return address or ""

    @property
    def addresses(self) -> list[str]:
        """Where this person is reached, on whichever channel."""
        return [address for address in map(self.address, Channel) if address]

    def address_hash_for(self, channel: Channel) -> str:
        """Return the hash by which this person is suppressed on a channel, or nothing."""
        hashed: str = getattr(self, f"{channel.address_field}_hash")
        return hashed

    def set_addresses(self, *, email: str | None, phone: str | None) -> None:
        """Set both addresses, already normalised, together with their hashes."""
        self.email, self.phone = email, phone
        self.email_hash, self.phone_hash = address_hash(email or ""), address_hash(phone or "")


class ContactList(PublicIdModel):
    """A named set of contacts that campaigns are sent to."""

    id_prefix = "lst"

    name = models.CharField(max_length=120)
    double_opt_in = models.BooleanField(
        "double opt-in",
        default=False,
        db_default=False,
        help_text="Who signs up gets a mail, and is on the list once they confirm by its link.",
    )
    confirmation_sender = models.ForeignKey(
        "messaging.Sender",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who that mail comes from.",
    )
    confirmation_template = models.ForeignKey(
        "messaging.Template",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="What it says; {{ data.confirm_url }} is the link.",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    contacts = models.ManyToManyField(Contact, through="ListMember", related_name="lists")

    class Meta:
        verbose_name = "list"
        constraints = [models.UniqueConstraint(Lower("name"), name="contact_list_name_is_unique")]

    def __str__(self) -> str:
        return self.name


class ListMember(models.Model):
    """A contact's place on a list, and since when: an audience is frozen by `added_at`."""

    # The unique index leads with the list, so the list needs none of its own.
    list = models.ForeignKey(
        ContactList, on_delete=models.CASCADE, related_name="members", db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="memberships")
    added_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["list", "contact"], name="list_member_is_on_a_list_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contact} on {self.list}"
