"""What the API takes: a member that nobody knows is refused, for a misspelt one would be lost in silence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class Input(serializers.Serializer[Any]):
    """The base of every body that the API reads."""

    def to_internal_value(self, data: Any) -> Any:
        known = sorted(self.fields)
        unknown = [name for name in data if name not in known] if isinstance(data, Mapping) else []
        if unknown:
            message = f"There is no such member. Known are: {', '.join(known)}."
            raise serializers.ValidationError({n: [message] for n in unknown}, code="unknown")
        return super().to_internal_value(data)
