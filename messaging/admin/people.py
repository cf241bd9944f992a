"""People for staff: contacts with their consent, lists, and addresses that are not written to."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin import ModelAdmin, TabularInline, button, display, register
from core.audit import actor_of
from core.errors import NotFound
from core.paging import CappedPaginator
from messaging.actions.confirming import set_double_opt_in
from messaging.actions.consent import (
    give_consent,
    suppress_address,
    withdraw_consent,
)
from messaging.actions.people import create_contact, create_list, rename_list, update_contact
from messaging.admin.rights import RightsMixin
from messaging.channels import Channel
from messaging.forms import ContactForm, DoubleOptInForm, GiveConsentForm, WithdrawConsentForm
from messaging.models import (
    ConsentEvent,
    Contact,
    ContactList,
    SuppressionReason,
)


class ConsentHistory(TabularInline):
    """What a person said, newest first; nobody edits it."""

    model = ConsentEvent
    verbose_name_plural = "Consent history"
    fields = readonly_fields = (
        "at",
        "channel",
        "topic",
        "state",
        "source",
        "wording",
        "ip_address",
        "actor",
    )
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@register(Contact)
class ContactAdmin(RightsMixin, ModelAdmin):
    """A person's page. People are never deleted: their consent history must stay."""

    empty_text = "Load a CSV file under Imports, or add people one by one."

    form = ContactForm
    list_display = ("name", "email", "phone", "consent", "time_zone", "created_at")
    list_filter = ("lists",)
    list_per_page = 50
    show_full_result_count = False
    ordering = ("-pk",)
    paginator = CappedPaginator
    search_fields = ("email",)
    search_help_text = "The beginning of an e-mail address, a number (+27…) or a surname; or con_…"
    inlines = (ConsentHistory,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        return super().get_queryset(request).prefetch_related("consents")

    def get_readonly_fields(self, request: HttpRequest, obj: Contact | None = None) -> list[str]:
        if obj is None:
            return []
        rights = ["dossier"] if self.has_export_permission(request, obj) else []
        return [*rights, "erased_at"] if obj.erased_at else rights

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """Search by what an index can find: the beginnings of addresses and surnames, or an id."""
        term = search_term.strip()
        return (queryset.filter(matching(term)) if term else queryset), False

    def has_change_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        """An erased person is nobody: there is nothing to write, and no consent to record."""
        return super().has_change_permission(request, obj) and not (obj and obj.erased_at)

    def has_delete_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: Contact, form: ModelForm[Contact], change: bool
    ) -> None:
        """Write through the same actions as every other door."""
        actor = actor_of(request)
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            update_contact(obj, actor=actor, **changes)
            return
        details = {name: value for name, value in form.cleaned_data.items() if value}
        obj.pk = create_contact(actor=actor, **details).pk
        obj.refresh_from_db()

    @display(description="Name", ordering="last_name")
    def name(self, contact: Contact) -> str:
        return f"{contact.first_name} {contact.last_name}".strip() or "—"

    @display(description="Consent")
    def consent(self, contact: Contact) -> str:
        return ", ".join(map(str, contact.consents.all())) or "—"

    @button(
        label="Record consent",
        permission="change",
        form=GiveConsentForm,
        confirm="Record that this person agreed to be written to?",
    )
    def give(
        self, request: HttpRequest, contact: Contact, *, channel: str, source: str, wording: str
    ) -> str:
        actor = actor_of(request)
        changed = give_consent(
            contact, Channel(channel), source=source, wording=wording, actor=actor
        )
        return "Consent is recorded." if changed else "They had agreed already."

    @button(
        label="Withdraw consent",
        permission="change",
        form=WithdrawConsentForm,
        confirm="They are not written to on this channel any more.",
    )
    def withdraw(self, request: HttpRequest, contact: Contact, *, channel: str, source: str) -> str:
        actor = actor_of(request)
        changed = withdraw_consent(contact, Channel(channel), source=source, actor=actor)
        return "Consent is withdrawn." if changed else "It was withdrawn already."

    @button(
        label="Suppress e-mail",
        permission="change",
        confirm="Nothing goes to this address any more, whoever has it, until staff lift that.",
        why_not=lambda _admin, _request, contact: "" if contact.email else "There is no address.",
        is_danger=True,
    )
    def suppress(self, request: HttpRequest, contact: Contact) -> str:
        changed = suppress_address(
            Channel.EMAIL,
            contact.email_hash,
            reason=SuppressionReason.MANUAL,
            source="admin",
            actor=actor_of(request),
        )
        return "The address is suppressed." if changed else "It was suppressed already."


def matching(term: str) -> Q:
    """Return the condition of a search that an index can answer."""
    if term.startswith(f"{Contact.id_prefix}_"):
        try:
            return Q(pk=Contact.from_public_id(term).pk)
        except NotFound:
            return Q(pk=None)
    surname = Q(last_name__startswith=term) | Q(last_name__startswith=term.capitalize())
    return Q(email__startswith=term.lower()) | Q(phone__startswith=term) | surname


@register(ContactList)
class ContactListAdmin(ModelAdmin):
    """A list's page."""

    empty_text = "A campaign goes to lists. Make one here, or name one when you import contacts."

    list_display = ("name", "people", "asks", "created_at")
    search_fields: ClassVar = ["name"]
    ordering = ("name",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name", "people") if obj else ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("people",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ContactList]:
        return super().get_queryset(request).annotate(member_count=Count("members"))

    def save_model(
        self, request: HttpRequest, obj: ContactList, form: ModelForm[ContactList], change: bool
    ) -> None:
        """Write through the same actions as every other door."""
        name, actor = form.cleaned_data["name"], actor_of(request)
        if change:
            rename_list(obj, name=name, actor=actor)
        else:
            obj.pk = create_list(name=name, actor=actor).pk

    @display(description="Asks to confirm", boolean=True)
    def asks(self, contact_list: ContactList) -> bool:
        return contact_list.double_opt_in

    @button(
        label="Ask to confirm",
        permission="change",
        form=DoubleOptInForm,
        confirm="Who signs up gets a mail with a link, and is on the list once they follow it.",
        why_not=lambda _admin, _request, contact_list: (
            "It asks already." if contact_list.double_opt_in else ""
        ),
    )
    def start_asking(
        self, request: HttpRequest, contact_list: ContactList, *, sender: Any, template: Any
    ) -> str:
        set_double_opt_in(
            contact_list,
            is_on=True,
            sender=sender,
            template=template,
            actor=actor_of(request),
        )
        return "It asks everybody who signs up from now on."

    @button(
        label="Stop asking",
        permission="change",
        confirm="Who signs up is on the list at once.",
        why_not=lambda _admin, _request, contact_list: (
            "" if contact_list.double_opt_in else "It does not ask."
        ),
    )
    def stop_asking(self, request: HttpRequest, contact_list: ContactList) -> str:
        set_double_opt_in(contact_list, is_on=False, actor=actor_of(request))
        return "Who signs up is on the list at once."

    @display(description="People", ordering="member_count")
    def people(self, contact_list: Any) -> SafeString:
        """Return how many they are, as the way to them."""
        people = reverse("admin:messaging_contact_changelist")
        return format_html(
            '<a class="lh-link" href="{}?lists__id__exact={}">{}</a>',
            people,
            contact_list.pk,
            f"{contact_list.member_count:,}",
        )
