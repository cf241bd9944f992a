"""Buttons on an object's page: they ask first, then act, on POST alone and with Django's CSRF check.

GET shows the question and changes nothing. POST calls the decorated method and goes back to the object's page
with what it returned as the message, or with the reason why it was refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import messages
from django.contrib.admin.options import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods

from core.errors import Refused
from core.fragments import fragment_view

Method = TypeVar("Method", bound=Callable[..., "str | tuple[str, Model]"])
Text = str | Callable[[Any, HttpRequest, Any], str]


@dataclass(frozen=True)
class Button:
    """What a button says, who may press it, and when it may not be pressed."""

    name: str
    label: str
    confirm: Text
    permission: str
    form: type[forms.Form] | None
    icon: str
    why_not: Callable[[Any, HttpRequest, Any], str] | None
    is_danger: bool
    is_primary: bool


def button(
    *,
    label: str,
    permission: str,
    confirm: Text = "",
    form: type[forms.Form] | None = None,
    icon: str = "",
    why_not: Callable[[Any, HttpRequest, Any], str] | None = None,
    is_danger: bool = False,
    is_primary: bool = False,
) -> Callable[[Method], Method]:
    """Make a method `(self, request, obj, **answers) -> message` a button of its ModelAdmin.

    One that made another object returns `(message, other)`: the person goes to that one's page.

    `permission` is a verb: `launch` asks `has_launch_permission(request, obj)` where the admin has one, and
    else for Django's `<app>.launch_<model>`. `confirm` is the question, or makes it of (admin, request, obj).
    `form` asks for answers, which the method gets as keywords. `why_not` returns why the object's state
    forbids the button, which is then shown disabled with that reason; an empty string allows it. The
    button that the page is there for is `is_primary`; one that cannot be undone `is_danger`.
    """

    def decorate(method: Method) -> Method:
        method.button = Button(  # type: ignore[attr-defined]
            name=method.__name__,
            label=label,
            confirm=confirm,
            permission=permission,
            form=form,
            icon=icon,
            why_not=why_not,
            is_danger=is_danger,
            is_primary=is_primary,
        )
        return method

    return decorate


class ButtonsMixin(ModelAdmin):
    """Gives a ModelAdmin its buttons, in the order in which the class defines them."""

    buttons: ClassVar[dict[str, Button]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        marks = {name: getattr(value, "button", None) for name, value in vars(cls).items()}
        own = {name: mark for name, mark in marks.items() if isinstance(mark, Button)}
        cls.buttons = {**cls.buttons, **own}

    def get_urls(self) -> list[URLPattern]:
        return [*map(self.url_of, self.buttons.values()), *super().get_urls()]

    def url_of(self, button: Button) -> URLPattern:
        view = fragment_view(self.admin_site, partial(self.button_view, button=button))
        return path(f"<path:object_id>/{button.name}/", view, name=self.url_name(button.name))

    def url_name(self, suffix: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{suffix}"

    def allows(self, request: HttpRequest, permission: str, obj: Model) -> bool:
        """Say whether this person may do this to this object."""
        own = getattr(self, f"has_{permission}_permission", None)
        if own is not None:
            return bool(own(request, obj))
        codename = f"{self.opts.app_label}.{permission}_{self.opts.model_name}"
        return request.user.has_perm(codename)

    def object_or_404(self, request: HttpRequest, object_id: str) -> Model:
        """Return the object behind an address, if this person may look at it."""
        obj: Model | None = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        if obj is None:
            raise Http404(f"There is no {self.opts.verbose_name} {object_id}.")
        return obj

    def button_view(self, request: HttpRequest, object_id: str, *, button: Button) -> HttpResponse:
        return require_http_methods(["GET", "HEAD", "POST"])(self.ask_or_act)(
            request, object_id, button=button
        )

    def ask_or_act(self, request: HttpRequest, object_id: str, *, button: Button) -> HttpResponse:
        obj = self.object_or_404(request, object_id)
        if not self.allows(request, button.permission, obj):
            raise PermissionDenied
        form = self.form_of(button, request)
        if request.method == "POST" and form.is_valid():
            return self.act(request, obj, button, form.cleaned_data)
        return self.ask(request, obj, button, form)

    def form_of(self, button: Button, request: HttpRequest) -> forms.Form:
        form = (button.form or forms.Form)(request.POST if request.method == "POST" else None)
        for field in list(form.fields.values())[:1]:
            field.widget.attrs["autofocus"] = True
        return form

    def act(
        self, request: HttpRequest, obj: Model, button: Button, answers: dict[str, Any]
    ) -> HttpResponse:
        """Do it, and go back to the object's page, or to the new one's, with what came of it."""
        try:
            told = getattr(self, button.name)(request, obj, **answers)
            message, obj = told if isinstance(told, tuple) else (told, obj)
            messages.success(request, message)
        except Refused as refusal:
            messages.error(request, str(refusal))
        place = reverse(f"{self.admin_site.name}:{self.url_name('change')}", args=[obj.pk])
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": place})
        return HttpResponseRedirect(place)

    def ask(
        self, request: HttpRequest, obj: Model, button: Button, form: forms.Form
    ) -> HttpResponse:
        """Show the question; where even that is refused, show why."""
        question, refusal = button.confirm, ""
        try:
            question = question(self, request, obj) if callable(question) else question
        except Refused as error:
            question, refusal = "", str(error)
        context = {"button": button, "form": form, "question": question, "refusal": refusal}
        return TemplateResponse(request, "core/dialog.html", context)

    def buttons_for(self, request: HttpRequest, obj: Model) -> list[dict[str, Any]]:
        """Return what the page shows: the buttons this person may press, with reasons against."""
        return [
            {
                "button": button,
                "url": reverse(f"{self.admin_site.name}:{self.url_name(name)}", args=[obj.pk]),
                "reason": button.why_not(self, request, obj) if button.why_not else "",
            }
            for name, button in self.buttons.items()
            if self.allows(request, button.permission, obj)
        ]
