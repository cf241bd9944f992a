"""The page behind a one-time link: the person sets the password, and the link is used up.

Django's own view and token: the token is taken out of the address at once, dies with the password that it sets, and
after PASSWORD_RESET_TIMEOUT.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import PasswordResetConfirmView
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView

from core import audit
from messaging.views import sealed


@method_decorator(never_cache, name="dispatch")
class SetPasswordView(PasswordResetConfirmView):
    """GET shows the form, POST sets the password; a used or old link says so."""

    template_name = "enrichment/set_password.html"
    success_url = reverse_lazy("enrichment:password-is-set")
    reset_url_token = "form"  # noqa: S105 - stands in the address in place of the token

    def dispatch(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer = super().dispatch(*args, **kwargs)
        return sealed(answer) if isinstance(answer, HttpResponse) else answer

    def form_valid(self, form: BaseForm) -> HttpResponse:
        answer = super().form_valid(form)  # type: ignore[arg-type]
        assert self.user is not None  # else the link would not have been valid
        audit.record("client_user.password_set", self.user, actor="link")
        return answer


class PasswordIsSetView(TemplateView):
    """It worked."""

    template_name = "enrichment/password_is_set.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return sealed(super().get(request, *args, **kwargs))
