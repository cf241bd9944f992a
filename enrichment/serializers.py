"""What the API takes and gives of clients and calls: one shape for each direction."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.fields import PublicIdField
from core.api.inputs import Input
from enrichment.actions.users import ROLES
from enrichment.briefs import LONGEST_GUIDE
from enrichment.models import AiCall, Client, Proposal
from enrichment.pricing import micros_of
from enrichment.states import (
    BriefStatus,
    CallStatus,
    Intent,
    Mode,
    Platform,
    ProposalStatus,
    Source,
    Verdict,
)

LISTED = 1_000
MONEY = "US dollars, to the millionth."


class MoneyField(serializers.DecimalField):
    """Whole micro-dollars inside, US dollars outside."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_digits=16, decimal_places=6, help_text=MONEY, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        return micros_of(super().to_internal_value(data))

    def to_representation(self, value: Any) -> Any:
        return f"{value / 1_000_000:.6f}" if isinstance(value, float) else _dollars(int(value))


def _dollars(micros: int) -> str:
    whole, part = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole}.{part:06d}"


class ClientInput(Input):
    """A client as it is written."""

    name = serializers.CharField(max_length=200)
    domain = serializers.CharField(max_length=2_000, required=False, allow_blank=True)
    web_text = serializers.CharField(required=False, allow_blank=True)
    mode = serializers.ChoiceField(choices=Mode.choices, required=False)


class ClientChanges(ClientInput):
    """What changes; fields that are set are locked, so that AI leaves them alone."""

    name = serializers.CharField(max_length=200, required=False)
    fields_set = serializers.DictField(
        required=False, help_text="Values by field; a text, or a list of texts."
    )
    fields_unlocked = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Fields that AI may write again."
    )


class SandboxField(serializers.BooleanField):
    """Whether no model said it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("source", "call.is_sandbox")
        super().__init__(
            default=False, help_text="No model said it: the sandbox made it up.", **kwargs
        )


class KnownOutput(serializers.Serializer[Any]):
    """What is known in one field, and who said it."""

    field = serializers.CharField()
    value = serializers.JSONField()
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]
    call = serializers.CharField(source="call.public_id", default=None, allow_null=True)
    is_sandbox = SandboxField()
    confidence = serializers.FloatField(allow_null=True)
    set_by = serializers.CharField()
    set_at = serializers.DateTimeField()
    is_locked = serializers.BooleanField()


class ClientOutput(serializers.Serializer[Any]):
    """A client, with what is known of it."""

    id = serializers.CharField(source="public_id")
    name = serializers.CharField()
    domain = serializers.CharField(allow_null=True)
    web_text = serializers.CharField()
    mode = serializers.ChoiceField(choices=Mode.choices)
    known = KnownOutput(source="values", many=True)
    run = serializers.CharField(source="run.public_id", default=None, allow_null=True)
    enhanced_at = serializers.DateTimeField(allow_null=True)
    enhancement_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class EnhanceInput(Input):
    """How to ask."""

    mode = serializers.ChoiceField(
        choices=Mode.choices, required=False, default="", help_text="Overrules the client's own."
    )


class ManyInput(Input):
    """Whom to ask about."""

    clients = serializers.ListField(
        child=PublicIdField(Client), allow_empty=False, max_length=LISTED
    )


class EnhanceManyInput(ManyInput):
    """Whom to ask about, and what all of it may cost together."""

    mode = serializers.ChoiceField(choices=Mode.choices, required=False, default="")
    at_most = MoneyField(required=False, allow_null=True, default=None, min_value=0)


class EstimateOutput(serializers.Serializer[Any]):
    """What asking costs."""

    clients = serializers.IntegerField()
    at_most = MoneyField()
    probably = MoneyField(allow_null=True)
    is_sandbox = serializers.BooleanField()


class ProposalOutput(serializers.Serializer[Any]):
    """A value that waits for a person."""

    id = serializers.CharField(source="public_id")
    field = serializers.CharField()
    value = serializers.JSONField()
    confidence = serializers.FloatField(allow_null=True)
    call = serializers.CharField(source="call.public_id")
    is_sandbox = SandboxField()
    status = serializers.ChoiceField(choices=ProposalStatus.choices)
    created_at = serializers.DateTimeField()
    decided_by = serializers.CharField()


class DecisionInput(Input):
    """Which proposals are taken over, and which are not."""

    accept = serializers.ListField(child=PublicIdField(Proposal), required=False, default=list)
    reject = serializers.ListField(child=PublicIdField(Proposal), required=False, default=list)


class DecisionOutput(serializers.Serializer[Any]):
    """How many were still waiting."""

    accepted = serializers.IntegerField()
    rejected = serializers.IntegerField()


class CompetitorInput(Input):
    """A competitor, named by a person."""

    name = serializers.CharField(max_length=200)
    domain = serializers.CharField(max_length=2_000)


class CompetitorOutput(serializers.Serializer[Any]):
    """A competitor, and who named it."""

    id = serializers.CharField(source="public_id")
    client = serializers.CharField(source="client.public_id")
    name = serializers.CharField()
    domain = serializers.CharField()
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]
    call = serializers.CharField(source="call.public_id", default=None, allow_null=True)
    is_sandbox = SandboxField()
    confidence = serializers.FloatField(allow_null=True)
    dismissed_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class CallOutput(serializers.Serializer[Any]):
    """A paid call: what for, how it stands, and what it cost."""

    id = serializers.CharField(source="public_id")
    purpose = serializers.CharField()
    subject = serializers.CharField()
    run = serializers.CharField(source="run.public_id", default=None, allow_null=True)
    prompt = serializers.CharField(source="prompt_version.prompt.name")
    prompt_version = serializers.IntegerField(source="prompt_version.number")
    provider = serializers.CharField()
    is_sandbox = serializers.BooleanField()
    model = serializers.CharField()
    status = serializers.ChoiceField(choices=CallStatus.choices)
    verdict = serializers.ChoiceField(choices=Verdict.choices)
    problem = serializers.CharField()
    input_tokens = serializers.IntegerField()
    cached_tokens = serializers.IntegerField()
    output_tokens = serializers.IntegerField()
    reasoning_tokens = serializers.IntegerField()
    reserved = MoneyField(source="reserved_micros")
    cost = MoneyField(source="cost_micros")
    provider_id = serializers.CharField()
    request_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    received_at = serializers.DateTimeField(allow_null=True)


class CallDetailOutput(CallOutput):
    """… with the exact request and the raw answer."""

    request = serializers.SerializerMethodField()
    response = serializers.SerializerMethodField()

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_request(self, call: AiCall) -> Any:
        return call.request

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_response(self, call: AiCall) -> Any:
        return call.response


class CallDecisionInput(Input):
    """What is done about a call that stays in doubt."""

    decision = serializers.ChoiceField(choices=["look_again", "ask_again", "give_up"])


class CostOutput(serializers.Serializer[Any]):
    """What was spent on one purpose on one day."""

    day = serializers.DateField()
    purpose = serializers.CharField()
    calls = serializers.IntegerField()
    cost = MoneyField(source="cost_micros")


class QueriesInput(Input):
    """For which keywords queries are written, and how many for each intent."""

    keywords = serializers.ListField(child=serializers.CharField(), allow_empty=False)
    count = serializers.IntegerField(required=False, default=3)
    intents = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        default=list,
        help_text="All eight unless said.",
    )


class QueryOutput(serializers.Serializer[Any]):
    """A question that people search with."""

    id = serializers.CharField(source="public_id")
    keyword = serializers.CharField()
    intent = serializers.ChoiceField(choices=Intent.choices)
    text = serializers.CharField()
    call = serializers.CharField(source="call.public_id", default=None, allow_null=True)
    is_sandbox = SandboxField()
    created_at = serializers.DateTimeField()


class BriefInput(Input):
    """What a brief is for."""

    title = serializers.CharField(max_length=200)
    keywords = serializers.ListField(child=serializers.CharField(), allow_empty=False)
    purpose = serializers.CharField(max_length=500)
    audience = serializers.CharField(max_length=500)
    platforms = serializers.ListField(
        child=serializers.ChoiceField(choices=Platform.choices), allow_empty=False
    )
    client = PublicIdField(Client, required=False, allow_null=True)
    style_guide = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_GUIDE)
    instructions = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_GUIDE)


class BriefCostOutput(serializers.Serializer[Any]):
    """What a brief costs."""

    calls = serializers.IntegerField()
    at_most = MoneyField()
    is_sandbox = serializers.BooleanField()


class BriefOutput(serializers.Serializer[Any]):
    """A brief as it stands."""

    id = serializers.CharField(source="public_id")
    client = serializers.CharField(source="client.public_id", default=None, allow_null=True)
    title = serializers.CharField()
    keywords = serializers.JSONField()
    purpose = serializers.CharField()
    audience = serializers.CharField()
    platforms = serializers.ListField(child=serializers.ChoiceField(choices=Platform.choices))
    status = serializers.ChoiceField(choices=BriefStatus.choices)
    outline = serializers.JSONField(allow_null=True)
    text = serializers.CharField()
    run = serializers.CharField(source="run.public_id", default=None, allow_null=True)
    is_sandbox = SandboxField(source="is_made_up")
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class ClientUserInput(Input):
    """A person who gets a log-in."""

    email = serializers.CharField(max_length=254)
    first_name = serializers.CharField(max_length=150)
    last_name = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=ROLES, required=False, default=ROLES[0])
    client = PublicIdField(Client, required=False, allow_null=True)


class ClientUserOutput(serializers.Serializer[Any]):
    """A log-in. `link` is shown once: whoever has it sets the password."""

    username = serializers.CharField(source="user.username")
    is_new = serializers.BooleanField()
    link = serializers.CharField()
