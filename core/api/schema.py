"""The API's description (OpenAPI): keys, the problem answer and the repeat header, said once."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

IDEMPOTENCY_KEY = OpenApiParameter(
    name="Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description="Send the same key again to repeat a request without doing it twice (24 hours).",
)
TEXT = {"type": "string"}
PROBLEM = {
    "type": "object",
    "description": "An error answer (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": TEXT,
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": TEXT,
        "code": {"type": "string", "description": "Stable; meant for programs."},
        "remedy": {"type": "string", "description": "What to do next."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {"pointer": TEXT, "code": TEXT, "detail": TEXT},
            },
        },
    },
}


class Schema(AutoSchema):
    """Describes an endpoint, with the repeat header where it is heeded."""

    def get_override_parameters(self) -> list[Any]:
        name = getattr(self.view, "action", None) or self.method.lower()
        is_idempotent = getattr(getattr(self.view, name, None), "is_idempotent", False)
        return [IDEMPOTENCY_KEY] if is_idempotent else []


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = "core.api.authentication.KeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "key_live_…"}


def add_problem(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Give every operation the same error answer."""
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    answer = {"description": "A problem", "content": {"application/problem+json": reference}}
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"]["default"] = answer
    return result
