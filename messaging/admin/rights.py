"""What a person may ask of us, on their page: everything we know as a file, and to be forgotten."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from core.admin import ModelAdmin, button, display
from core.audit import actor_of
from messaging.actions.erasing import erase_contact
from messaging.dossier import export_contact
from messaging.models import Contact


def why_not_erase(_admin: Any, _request: HttpRequest, contact: Contact) -> str:
    return "This person is erased." if contact.erased_at else ""


class RightsMixin(ModelAdmin):
    """Gives a person's page the export and the erasure."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(require_POST(self.export_view)))
        own = path("<path:object_id>/export.json", view, name=self.url_name("export"))
        return [own, *super().get_urls()]

    def buttons_for(self, request: HttpRequest, obj: Any) -> list[dict[str, Any]]:
        """Return the buttons, the one that cannot be undone at the end."""
        return sorted(super().buttons_for(request, obj), key=lambda b: b["button"].name == "erase")

    def has_export_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return request.user.has_perm("messaging.export_contact")

    def has_erase_permission(self, request: HttpRequest, obj: Contact | None = None) -> bool:
        return request.user.has_perm("messaging.delete_contact")

    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Hand everything that is known about a person over as a file."""
        contact = self.object_or_404(request, object_id)
        assert isinstance(contact, Contact)
        if not self.has_export_permission(request, contact):
            raise PermissionDenied
        dossier = export_contact(contact, actor=actor_of(request))
        name = f'attachment; filename="{contact.public_id}.json"'
        return JsonResponse(
            dossier,
            headers={"Content-Disposition": name},
            json_dumps_params={"ensure_ascii": False, "indent": 2},
        )

    @display(description="Everything we know")
    def dossier(self, contact: Contact) -> SafeString:
        """Return the button that fetches the file; it stands in the page's own form, and posts elsewhere."""
        place = reverse(f"{self.admin_site.name}:{self.url_name('export')}", args=[contact.pk])
        return format_html(
            '<button class="lh-link" type="submit" formnovalidate formaction="{}">Download as JSON</button>',
            place,
        )

    @button(
        label="Erase",
        permission="erase",
        confirm=lambda _admin, _request, contact: (
            f"Erase {contact}? Name, addresses and letters go for ever, and nobody can bring them back."
            " The address stays closed, known by a hash alone."
        ),
        why_not=why_not_erase,
        is_danger=True,
    )
    def erase(self, request: HttpRequest, contact: Contact) -> str:
        run = erase_contact(contact, actor=actor_of(request))
        return f"This person is erased. {run.public_id} cleans what was frozen for sending."
