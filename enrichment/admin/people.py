"""Who of a client has a log-in."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.forms import ModelForm
from django.http import HttpRequest

from core.admin import ModelAdmin, register
from core.audit import actor_of
from enrichment.actions.users import CLIENT, create_client_user
from enrichment.forms import ClientUserForm
from enrichment.models import ClientUser


@register(ClientUser)
class ClientUserAdmin(ModelAdmin):
    """Log-ins of clients: owners make them, and hand the link over."""

    empty_text = "Make a log-in for somebody of a client. You get a link, by which that person sets the password."
    list_display = ("user", "client", "created_by", "created_at")
    autocomplete_fields = ("client",)
    search_fields: ClassVar = ["user__username", "client__name"]
    list_select_related = ("user", "client")
    form = ClientUserForm

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        of_new = ("client", "email", "first_name", "last_name")
        return ("client", "user", "created_by", "created_at") if obj else of_new

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("auth.add_user")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and request.user.has_perm(
            "auth.delete_user"
        )

    def save_model(
        self, request: HttpRequest, obj: ClientUser, form: ModelForm[ClientUser], change: bool
    ) -> None:
        """Make the log-in, or link the one there is; show the link this once."""
        client = form.cleaned_data["client"]
        given = {name: form.cleaned_data[name] for name in ("email", "first_name", "last_name")}
        made = create_client_user(**given, role=CLIENT, client=client, actor=actor_of(request))
        linked = ClientUser.objects.get(user=made.user, client=client)
        obj.pk, obj.user = linked.pk, made.user
        if made.link:
            messages.info(
                request, f"Hand this link over; it works once, for three days: {made.link}"
            )
        else:
            messages.info(
                request, "This log-in existed. It is linked, and its password is what it was."
            )
