"""What the API takes and gives of imports: one shape for each direction."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.inputs import Input
from core.api.parsing import load, refuse_unstorable
from imports.actions import earlier_batches
from imports.estimating import cost_of
from imports.models import CsvBatch
from imports.states import BadValues, BatchStatus, Blank, Duplicates, Effect, Go, Mode, RowStatus

MOST_COLUMNS = 1_000


class ColumnInput(Input):
    """What one column means. Columns are known by their place."""

    heading = serializers.CharField(required=False, allow_blank=True, default="")
    field = serializers.CharField(
        allow_blank=True,
        help_text="A field of the target, `attribute:<name>`, or blank to leave the column out.",
    )
    blank = serializers.ChoiceField(choices=Blank.choices, default=Blank.KEEP)


class SettingsInput(Input):
    """What is done with the rows; what is not said stays as it is."""

    mode = serializers.ChoiceField(choices=Mode.choices, required=False)
    match = serializers.CharField(required=False, help_text="A match key of the target.")
    duplicates = serializers.ChoiceField(choices=Duplicates.choices, required=False)
    bad_values = serializers.ChoiceField(choices=BadValues.choices, required=False)
    options = serializers.DictField(required=False, help_text="The target's own options.")


class ReadingInput(Input):
    """How the file is to be read, where the guess is wrong."""

    encoding = serializers.CharField(required=False)
    delimiter = serializers.CharField(required=False, trim_whitespace=False, max_length=1)
    sheet = serializers.CharField(required=False)
    header_line = serializers.IntegerField(
        required=False, min_value=0, help_text="The line with the headings; 0: there is none."
    )


class MappingInput(SettingsInput):
    """What the columns mean, and what is done with the rows."""

    columns = ColumnInput(many=True, required=False)


@extend_schema_field(OpenApiTypes.STR)
class JsonText(serializers.Field[Any, Any, Any, Any]):
    """JSON inside a form's text field, checked as a body of its own."""

    def __init__(self, shape: serializers.BaseSerializer[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shape = shape

    def to_internal_value(self, data: str) -> Any:
        value = load(data.encode())
        refuse_unstorable(value)
        return self.shape.run_validation(value) if self.shape else value

    def to_representation(self, value: Any) -> Any:
        return value


class UploadInput(SettingsInput, ReadingInput):
    """A file, what it holds, and how far it may go by itself."""

    file = serializers.FileField(allow_empty_file=True, use_url=False)
    target = serializers.CharField(help_text="See GET /api/v1/import-targets.")
    go = serializers.ChoiceField(
        choices=Go.choices,
        default=Go.WAIT,
        help_text="What follows without another request: nothing, a dry run, or the import.",
    )
    options = JsonText(  # type: ignore[assignment]  # what is a member elsewhere is a form's text here
        required=False, help_text='JSON: {"list_name": "News"}.'
    )
    columns = JsonText(
        ColumnInput(many=True),
        required=False,
        help_text="JSON by place. Without it: what was remembered, else what the headings say.",
    )


def run_url(batch: CsvBatch) -> str | None:
    """Return the address of the run that works on an import."""
    return f"/api/v1/runs/{batch.run.public_id}" if batch.run else None


class FileOutput(serializers.Serializer[Any]):
    """The file as it came."""

    name = serializers.CharField(source="file_name")
    size = serializers.IntegerField(source="file.size", help_text="In bytes.")
    sha256 = serializers.CharField(source="file.sha256")


class ColumnOutput(serializers.Serializer[Any]):
    """What a column means."""

    heading = serializers.CharField()
    field = serializers.CharField()
    blank = serializers.ChoiceField(choices=Blank.choices)


class ProblemOutput(serializers.Serializer[Any]):
    """Why the file or the import failed, and what to do."""

    message = serializers.CharField()
    code = serializers.CharField()
    field = serializers.CharField(default="")
    remedy = serializers.CharField(default="")


class CountsOutput(serializers.Serializer[Any]):
    """What became of the rows; `processed` is the sum of succeeded, unchanged, skipped and failed."""

    total = serializers.IntegerField(help_text="Rows in the file; 0 until it is read.")
    processed = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()
    warned = serializers.IntegerField(help_text="Rows taken with values left out.")
    undone = serializers.IntegerField()
    not_undone = serializers.IntegerField(help_text="Rows edited since, which undoing left alone.")


class BatchSummary(serializers.Serializer[Any]):
    """An import in a list."""

    id = serializers.CharField(source="public_id")
    file = FileOutput(source="*")
    target = serializers.CharField()
    status = serializers.ChoiceField(choices=BatchStatus.choices)
    counts = CountsOutput(source="*")
    rate = serializers.FloatField(allow_null=True, help_text="Rows per second, lately.")
    seconds_left = serializers.IntegerField(allow_null=True)
    actor = serializers.CharField()
    run = serializers.CharField(source="run.public_id", default=None, allow_null=True)
    run_url = serializers.SerializerMethodField(help_text="Where its run tells how far it is.")
    parent = serializers.CharField(  # type: ignore[assignment]  # our word is also the framework's
        source="parent.public_id",
        default=None,
        allow_null=True,
        help_text="The import whose failed rows these are.",
    )
    problem = ProblemOutput(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    forgotten_at = serializers.DateTimeField(
        allow_null=True,
        help_text="When its copies of people were deleted; from then on it cannot be undone or tried again.",
    )

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_run_url(self, batch: CsvBatch) -> str | None:
        return run_url(batch)


class BatchOutput(BatchSummary):
    """An import as it stands."""

    go = serializers.ChoiceField(choices=Go.choices)
    layout = serializers.DictField(help_text="How the file is read, and how that is known.")
    columns = ColumnOutput(many=True)
    mode = serializers.ChoiceField(choices=Mode.choices)
    match = serializers.CharField()
    duplicates = serializers.ChoiceField(choices=Duplicates.choices)
    bad_values = serializers.ChoiceField(choices=BadValues.choices)
    options = serializers.DictField()
    dry_run = serializers.DictField(
        source="check_result",
        allow_null=True,
        help_text="Counts, examples of changes (`diffs`), and what would be rejected (`issues`).",
    )
    imported_before = serializers.SerializerMethodField(
        help_text="Earlier imports of the very same file."
    )

    estimate = serializers.SerializerMethodField(
        help_text="In words, while it waits to be started: what its rows cost, or why they cannot be paid."
    )

    def get_estimate(self, batch: CsvBatch) -> str:
        return cost_of(batch)

    def get_imported_before(self, batch: CsvBatch) -> list[str]:
        return [each.public_id for each in earlier_batches(batch.file) if each.pk < batch.pk]


class SuggestionOutput(ColumnOutput):
    """What a column probably means, and how that is known: `saved`, `name`, or blank for a guess."""

    by = serializers.CharField(default="")
    note = serializers.CharField(default="")


class SampleRowOutput(serializers.Serializer[Any]):
    """One of the first rows."""

    line = serializers.IntegerField()
    cells = serializers.ListField(child=serializers.CharField(allow_blank=True))


class PreviewOutput(serializers.Serializer[Any]):
    """How the file is read: its headings, its first 100 rows, what its columns probably mean."""

    layout = serializers.DictField()
    header = serializers.ListField(child=serializers.CharField(allow_blank=True))
    rows = SampleRowOutput(many=True)
    columns = SuggestionOutput(many=True)


class RowErrorOutput(serializers.Serializer[Any]):
    """Why a row, or a value of it, was not taken."""

    code = serializers.CharField(source="error_code")
    column = serializers.CharField(source="error_column")
    value = serializers.CharField(source="error_value")
    message = serializers.CharField(source="error_message")


class RowOutput(serializers.Serializer[Any]):
    """What became of one row."""

    number = serializers.IntegerField()
    line = serializers.IntegerField(help_text="In the file.")
    status = serializers.ChoiceField(choices=RowStatus.choices)
    effect = serializers.ChoiceField(choices=Effect.choices)
    attempts = serializers.IntegerField()
    error = serializers.SerializerMethodField()
    object_id = serializers.CharField()

    @extend_schema_field(RowErrorOutput(allow_null=True))
    def get_error(self, row: Any) -> dict[str, Any] | None:
        return RowErrorOutput(row).data if row.error_code else None


class FieldOutput(serializers.Serializer[Any]):
    """Something a column can mean."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # our word is also the framework's
    help = serializers.CharField()


class OptionOutput(FieldOutput):
    """Something to be said once for a whole import."""

    kind = serializers.CharField()
    choices = serializers.SerializerMethodField()
    default = serializers.JSONField()

    def get_choices(self, option: Any) -> list[str]:
        return [value for value, _ in option.choices]


class TargetOutput(serializers.Serializer[Any]):
    """What rows can become."""

    name = serializers.CharField()
    title = serializers.CharField()
    help = serializers.CharField()
    fields = FieldOutput(many=True)  # type: ignore[assignment]  # our word is also the framework's
    options = OptionOutput(many=True)
    match_keys = serializers.ListField(child=serializers.CharField())
    modes = serializers.ListField(child=serializers.CharField())
    takes_attributes = serializers.BooleanField()
    is_paced = serializers.BooleanField()
