"""What the API takes and gives of saved searches."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.fields import PublicIdField
from core.api.inputs import Input
from messaging.models import Contact, Sender
from tenders.finding import Criteria
from tenders.models import SavedSearch
from tenders.serializers import TenderOutput
from tenders.states import EventKind, Frequency, Phase, SearchStatus


class Words(serializers.ListField):
    """Alternatives."""

    def __init__(self, **kwargs: Any) -> None:
        child = serializers.CharField(max_length=200)
        super().__init__(child=child, required=False, max_length=50, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return tuple(super().to_internal_value(data))


class CriteriaInput(Input):
    """What is looked for; what is left out asks for nothing. Lists are alternatives, and named in the plural."""

    all = serializers.CharField(
        required=False, max_length=500, help_text="Each of these words; `clean*` begins so."
    )
    any = serializers.CharField(required=False, max_length=500, help_text="One of these words.")
    exact = serializers.CharField(
        required=False, max_length=500, help_text="These words side by side."
    )
    none = serializers.CharField(required=False, max_length=500, help_text="None of these words.")
    sources = Words(help_text="Keys of sources.")
    categories = Words()
    cpv = Words(help_text="CPV codes or their beginnings; each finds all below it.")
    buyer = serializers.CharField(required=False, max_length=200)
    regions = Words()
    phases = Words(help_text=f"{', '.join(Phase.values)}.")
    least_value = serializers.DecimalField(max_digits=20, decimal_places=2, required=False)
    most_value = serializers.DecimalField(max_digits=20, decimal_places=2, required=False)
    currency = serializers.CharField(required=False, max_length=3)
    closing_within_days = serializers.IntegerField(required=False)
    published_from = serializers.DateTimeField(required=False)
    published_to = serializers.DateTimeField(required=False)
    is_open = serializers.BooleanField(required=False)

    def validate(self, attrs: dict[str, Any]) -> Criteria:
        return Criteria(**attrs)


class SearchChange(Input):
    """What may be changed of a saved search."""

    name = serializers.CharField(max_length=120, required=False)
    criteria = CriteriaInput(required=False)
    kinds = serializers.ListField(
        child=serializers.CharField(max_length=20),
        required=False,
        max_length=len(EventKind.values),
        help_text=f"{', '.join(EventKind.values)}; none: every kind.",
    )
    frequency = serializers.ChoiceField(choices=Frequency.choices, required=False)
    hour = serializers.IntegerField(required=False, help_text="0 to 23, in `time_zone`.")
    weekday = serializers.IntegerField(required=False, help_text="1 is Monday; of a weekly one.")
    time_zone = serializers.CharField(max_length=64, required=False)
    sender = PublicIdField(Sender, required=False)


class SearchInput(SearchChange):
    """A search, and who asked for it: a contact, or an address."""

    name = serializers.CharField(max_length=120)
    criteria = CriteriaInput()
    contact = PublicIdField(Contact, required=False)
    to = serializers.CharField(max_length=254, required=False, help_text="An e-mail address.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("contact" in attrs) == ("to" in attrs):
            raise serializers.ValidationError(
                {"to": ["Name a contact, or an address: one of the two."]}
            )
        return attrs


class SearchOutput(serializers.Serializer[Any]):
    """A saved search as it stands."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    contact = serializers.CharField(source="contact.public_id")
    criteria = serializers.JSONField()
    kinds = serializers.ListField(child=serializers.CharField())
    frequency = serializers.ChoiceField(choices=Frequency.choices)
    hour = serializers.IntegerField()
    weekday = serializers.IntegerField()
    time_zone = serializers.CharField()
    sender = serializers.CharField(source="sender.public_id")
    status = serializers.ChoiceField(choices=SearchStatus.choices)
    problem = serializers.CharField(help_text="Why it was set aside.")
    next_at = serializers.DateTimeField(
        allow_null=True, help_text="When it may write next; null: at any time."
    )
    messages = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()

    def get_messages(self, search: SavedSearch) -> int:
        return search.digests.count()


class SearchPreviewOutput(serializers.Serializer[Any]):
    """What a search would find of what is there."""

    count = serializers.IntegerField()
    tenders = TenderOutput(many=True, help_text="The newest.")
