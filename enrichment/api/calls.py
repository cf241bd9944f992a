"""The ledger of AI calls over HTTP, and what they cost."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

from django.db.models import QuerySet
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateparse import parse_date
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock
from core.api.idempotency import idempotent
from core.api.schema import IDEMPOTENCY_KEY
from core.audit import actor_of
from core.errors import Refused
from enrichment.actions import deciding
from enrichment.api.answers import page_of, validated
from enrichment.costs import costs_by_day
from enrichment.models import AiCall
from enrichment.serializers import (
    CallDecisionInput,
    CallDetailOutput,
    CallOutput,
    CostOutput,
)

FILTERS = ("purpose", "subject", "status", "model")
MONTH = 30
#: Days that every time zone can tell.
FIRST_YEAR, LAST_YEAR = 2000, 2999


def calls() -> QuerySet[AiCall]:
    """Return calls with all that an answer shows of them."""
    return AiCall.objects.select_related("run", "prompt_version__prompt")


class CallListView(APIView):
    """The ledger."""

    required_scopes: ClassVar = {"GET": "ai:read"}
    required_permissions: ClassVar = {"GET": "enrichment.view_aicall"}

    @extend_schema(
        operation_id="ai_calls_list",
        parameters=[OpenApiParameter(name) for name in FILTERS],
        responses=CallOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """List calls, newest first."""
        wanted = {
            name: request.query_params[name] for name in FILTERS if name in request.query_params
        }
        return page_of(calls().filter(**wanted), CallOutput, request, self)


class CallView(APIView):
    """One call."""

    required_scopes: ClassVar = {"GET": "ai:read"}
    required_permissions: ClassVar = {"GET": "enrichment.view_aicall"}

    @extend_schema(operation_id="ai_calls_read", responses=CallDetailOutput)
    def get(self, request: Request, call_id: str) -> Response:
        """Read a call, with its exact request and raw answer."""
        call = AiCall.from_public_id(call_id)
        return Response(CallDetailOutput(calls().get(pk=call.pk)).data)


class CallDecisionView(APIView):
    """Deciding about a call in doubt."""

    required_scopes: ClassVar = {"POST": "ai:decide"}
    required_permissions: ClassVar = {"POST": "enrichment.decide_aicall"}

    @extend_schema(
        operation_id="ai_calls_decide",
        parameters=[IDEMPOTENCY_KEY],
        request=CallDecisionInput,
        responses=CallOutput,
    )
    def post(self, request: Request, call_id: str) -> Response:
        """Look it up again, ask again (it counts as spent), or give up; 409 unless it waits for a decision."""
        wish = validated(CallDecisionInput(data=request.data))
        if wish["decision"] != "look_again":
            return self._decide(request, call_id, wish["decision"])
        call = AiCall.from_public_id(call_id)
        deciding.look_again(call, actor=actor_of(request))  # asks the provider: in no transaction
        return Response(CallOutput(calls().get(pk=call.pk)).data)

    @idempotent
    def _decide(self, request: Request, call_id: str, decision: str) -> Response:
        call = AiCall.from_public_id(call_id)
        getattr(deciding, decision)(call, actor=actor_of(request))
        return Response(CallOutput(calls().get(pk=call.pk)).data)


class CostView(APIView):
    """What was spent."""

    required_scopes: ClassVar = {"GET": "ai:read"}
    required_permissions: ClassVar = {"GET": "enrichment.view_aicall"}

    @extend_schema(
        operation_id="ai_costs",
        parameters=[
            OpenApiParameter("since", description="The first day, 30 days ago unless said."),
            OpenApiParameter("until", description="The last day, today unless said."),
        ],
        responses=CostOutput(many=True),
    )
    def get(self, request: Request) -> Response:
        """Sum up what was spent, by day and purpose."""
        today = timezone.localtime(clock.now()).date()
        since = day_of(request, "since") or today - timedelta(days=MONTH)
        rows = costs_by_day(since=since, until=day_of(request, "until") or today)
        return Response(CostOutput(rows, many=True).data)


def day_of(request: Request, name: str) -> date | None:
    """Return a day of the query; raise Refused for what is none."""
    text = request.query_params.get(name, "")
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if text and (day is None or not FIRST_YEAR <= day.year <= LAST_YEAR):
        raise Refused(f"{text!r} is no day.", field=name, value=text, remedy="Write 2027-03-01.")
    return day


routes: list[URLPattern] = [
    path("ai-calls", CallListView.as_view()),
    path("ai-calls/<str:call_id>", CallView.as_view()),
    path("ai-calls/<str:call_id>/decide", CallDecisionView.as_view()),
    path("ai-costs", CostView.as_view()),
]
