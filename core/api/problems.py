"""Every error answer of the API is `application/problem+json` (RFC 9457).

Beside the standard members a problem has a stable `code`, a `remedy` where there is one, and `errors`:
one `{pointer, code, detail}` per refused value, where the pointer is a JSON Pointer into the body.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import views
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.settings import api_settings

from core.errors import Refused

MEDIA_TYPE = "application/problem+json"


def problem(status: int, detail: str, *, code: str, **members: Any) -> dict[str, Any]:
    """Return the body of an error answer; empty members are left out."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **{name: value for name, value in members.items() if value},
    }


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer what an endpoint raised; what nobody foresaw stays unanswered and becomes a 500."""
    if isinstance(error, Refused):
        return Response(refusal(error), status=error.status, content_type=MEDIA_TYPE)
    response = views.exception_handler(error, context)
    if response is not None:
        response.data = described(error, response.status_code)
        response.content_type = MEDIA_TYPE
    return response


def refusal(error: Refused) -> dict[str, Any]:
    """Return the problem of an action that was refused."""
    errors = []
    if error.field:
        pointer = reduce(pointer_to, error.field.split("."), "#")
        errors.append({"pointer": pointer, "code": error.code, "detail": error.message})
    members = {"remedy": error.remedy, "errors": errors}
    return problem(error.status, error.message, code=error.code, **members)


def described(error: Exception, status: int) -> dict[str, Any]:
    """Return the problem of an error that the framework raised."""
    if isinstance(error, ValidationError):
        errors = list(flatten(error.get_full_details()))
        detail = f"The body has {len(errors)} invalid value{'s' if len(errors) > 1 else ''}."
        return problem(status, detail, code="invalid", errors=errors)
    if isinstance(error, APIException):
        return problem(status, str(error.detail), code=str(error.get_codes()))
    phrase = HTTPStatus(status).phrase
    return problem(status, f"{phrase}.", code=phrase.lower().replace(" ", "_"))


def flatten(details: Any, *, pointer: str = "#") -> Iterator[dict[str, str]]:
    """Yield one entry per message in the framework's tree of details, whatever its shape."""
    if is_leaf(details):
        yield {"pointer": pointer, "code": details["code"], "detail": str(details["message"])}
    elif isinstance(details, dict):
        for name, inner in details.items():
            is_whole = name == api_settings.NON_FIELD_ERRORS_KEY
            yield from flatten(inner, pointer=pointer if is_whole else pointer_to(pointer, name))
    else:
        for position, inner in enumerate(details):
            place = pointer if is_leaf(inner) else pointer_to(pointer, position)
            yield from flatten(inner, pointer=place)


def is_leaf(details: Any) -> bool:
    return isinstance(details, dict) and isinstance(details.get("message"), str)


def pointer_to(parent: str, name: object) -> str:
    """Return a JSON Pointer one level deeper (RFC 6901, as a URI fragment)."""
    escaped = str(name).replace("~", "~0").replace("/", "~1")
    return f"{parent}/{quote(escaped, safe='~')}"


class UnknownEndpoint(views.APIView):
    """Answers every address under /api/ that nobody else does."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def initial(self, request: Any, *args: Any, **kwargs: Any) -> None:
        raise NotFound(f"There is no {request.path}. See /api/v1/schema.")


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 outside the API's own views: a problem under /api/, a page elsewhere."""
    if request.path.startswith("/api/"):
        return bare_problem(404, f"There is no {request.path}.", code="not_found")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody foresaw: a problem under /api/ that tells nothing of the inside."""
    if request.path.startswith("/api/"):
        return bare_problem(500, "Something broke on our side. It was recorded.", code="error")
    return defaults.server_error(request)


def bare_problem(status: int, detail: str, *, code: str) -> JsonResponse:
    body = problem(status, detail, code=code)
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)
