"""What the API takes and gives of tenders."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.inputs import Input
from tenders.finding import Criteria
from tenders.models import Tender
from tenders.states import EnrichmentStatus, EventKind, Phase, WindowStatus


class CommaList(serializers.CharField):
    """Several values in one parameter, with commas between: alternatives."""

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        return tuple(filter(None, (part.strip() for part in text.split(","))))


class TenderFilter(Input):
    """By what a list of tenders is narrowed down; unknown names are refused: a misspelt one would find everything."""

    all = serializers.CharField(
        required=False, max_length=500, help_text="Each of these words; `clean*` begins so."
    )
    any = serializers.CharField(required=False, max_length=500, help_text="One of these words.")
    exact = serializers.CharField(
        required=False, max_length=500, help_text="These words side by side."
    )
    none = serializers.CharField(required=False, max_length=500, help_text="None of these words.")
    source = CommaList(  # type: ignore[assignment]  # our word is also the framework's
        required=False, max_length=500, help_text="Keys of sources."
    )
    category = CommaList(required=False, max_length=500)
    cpv = CommaList(
        required=False,
        max_length=500,
        help_text="CPV codes or their beginnings; each finds all below it.",
    )
    buyer = serializers.CharField(
        required=False, max_length=200, help_text="Words of the buyer's name."
    )
    region = CommaList(required=False, max_length=500)
    phase = CommaList(required=False, max_length=100, help_text=f"{', '.join(Phase.values)}.")
    least_value = serializers.DecimalField(max_digits=20, decimal_places=2, required=False)
    most_value = serializers.DecimalField(max_digits=20, decimal_places=2, required=False)
    currency = serializers.CharField(required=False, max_length=3)
    closing_within_days = serializers.IntegerField(required=False)
    published_from = serializers.DateTimeField(required=False)
    published_to = serializers.DateTimeField(required=False, help_text="Not included.")
    open = serializers.BooleanField(
        required=False, help_text="Only those that can still be answered."
    )

    def criteria(self) -> Criteria:
        """Return what is asked for."""
        given: dict[str, Any] = dict(self.validated_data)
        renamed = {
            "source": "sources",
            "category": "categories",
            "region": "regions",
            "phase": "phases",
            "open": "is_open",
        }
        return Criteria(**{renamed.get(name, name): value for name, value in given.items()})


class TenderOutput(serializers.Serializer[Any]):
    """A tender as lists show it."""

    id = serializers.CharField(source="public_id")
    ocid = serializers.CharField()
    source = serializers.CharField(source="source.key")  # type: ignore[assignment]
    number = serializers.CharField()
    title = serializers.CharField()
    buyer = serializers.CharField()
    phase = serializers.ChoiceField(choices=Phase.choices)
    status = serializers.CharField(help_text="As its source says.")
    category = serializers.CharField()
    detailed_category = serializers.CharField()
    cpv = serializers.ListField(child=serializers.CharField(), source="codes")
    region = serializers.CharField()
    value = serializers.DecimalField(max_digits=20, decimal_places=2, allow_null=True)
    currency = serializers.CharField()
    published_at = serializers.DateTimeField(allow_null=True)
    closes_at = serializers.DateTimeField(allow_null=True)
    changed_at = serializers.DateTimeField()
    enrichment = serializers.ChoiceField(choices=EnrichmentStatus.choices)


class TenderEventOutput(serializers.Serializer[Any]):
    """Something that happened to a tender."""

    kind = serializers.ChoiceField(choices=EventKind.choices)
    at = serializers.DateTimeField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)


class ReleaseOutput(serializers.Serializer[Any]):
    """A release as it came."""

    id = serializers.CharField(source="release_id")
    date = serializers.DateTimeField(source="released_at", allow_null=True)
    tags = serializers.CharField()
    first_seen_at = serializers.DateTimeField()
    release = serializers.JSONField(source="data")


class TenderWholeOutput(TenderOutput):
    """A tender with all that is known of it."""

    description = serializers.CharField()
    attribution = serializers.CharField(source="source.attribution")
    licence = serializers.CharField(source="source.licence")
    compiled = serializers.JSONField(help_text="The compiled release.")
    events = TenderEventOutput(many=True)
    releases = serializers.SerializerMethodField()

    def get_releases(self, tender: Tender) -> list[dict[str, Any]]:
        rows = tender.source.releases.filter(ocid=tender.ocid).order_by("released_at", "pk")
        return ReleaseOutput(rows, many=True).data  # type: ignore[return-value]


class SourceOutput(serializers.Serializer[Any]):
    """A source as it stands."""

    id = serializers.CharField(source="public_id")
    key = serializers.CharField()
    name = serializers.CharField()
    country = serializers.CharField()
    licence = serializers.CharField()
    attribution = serializers.CharField()
    is_enabled = serializers.BooleanField(help_text="Synced every 30 minutes.")
    cursor_at = serializers.DateTimeField(help_text="Nothing before it is missing.")
    last_success_at = serializers.DateTimeField(allow_null=True)
    last_new_at = serializers.DateTimeField(allow_null=True)
    open_windows = serializers.IntegerField()


class WindowOutput(serializers.Serializer[Any]):
    """A span of a source's time."""

    id = serializers.CharField(source="public_id")
    kind = serializers.CharField()
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=WindowStatus.choices)
    problem = serializers.CharField()
    pages = serializers.IntegerField(source="page_count")
    releases = serializers.IntegerField(source="release_count")
    new_releases = serializers.IntegerField(source="new_count")
    closed_by = serializers.CharField()
    closed_reason = serializers.CharField()


class DaysInput(Input):
    """A range of days, both included."""

    to = serializers.CharField(required=False, default="", max_length=40, help_text="2026-03-31")

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["from"] = serializers.CharField(
            required=False, default="", max_length=40, help_text="2026-03-01"
        )
        return fields


class SyncInput(DaysInput):
    """What to sync: the present, or with `from` a range of days, both included."""

    max_enrichment = serializers.IntegerField(required=False, default=300)


class RunStartedOutput(serializers.Serializer[Any]):
    """The run that does the work; `null` where one that is under way takes it too."""

    run = serializers.CharField(allow_null=True)


class EnrichInput(Input):
    """Whether what has been enriched is enriched again."""

    force = serializers.BooleanField(required=False, default=False)


class EnrichDaysInput(DaysInput):
    """Of which days what lacks a detailed category is enriched: today, or with `from` a range, both included."""

    max_enrichment = serializers.IntegerField(required=False, default=10_000)


class CloseInput(Input):
    """Why a window is given up."""

    reason = serializers.CharField(max_length=500)
