"""Kinds of values that only our API has."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.errors import NotFound
from core.ids import PublicIdModel


@extend_schema_field(OpenApiTypes.STR)
class PublicIdField(serializers.Field[Any, Any, Any, Any]):
    """A thing named by its public id, such as `tpl_…`; an unknown one is an invalid value."""

    def __init__(self, model: type[PublicIdModel], **kwargs: Any) -> None:
        super().__init__(help_text=f"An id that looks like {model.id_prefix}_….", **kwargs)
        self.model = model

    def to_internal_value(self, data: Any) -> PublicIdModel:
        try:
            return self.model.from_public_id(str(data))
        except NotFound as missing:
            raise serializers.ValidationError(str(missing), code="not_found") from None

    def to_representation(self, value: PublicIdModel) -> str:
        return value.public_id
