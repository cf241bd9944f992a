"""Campaigns over HTTP: parse, check scope, call the same actions as the admin."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import URLPattern, path
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from campaigns import actions
from campaigns.models import Campaign
from campaigns.moments import FIELD
from campaigns.readiness import count_audience, count_gaps
from campaigns.serializers import (
    AudienceOutput,
    CampaignInput,
    CampaignOutput,
    DuplicateInput,
    PauseInput,
    ScheduleInput,
)
from core.api.idempotency import idempotent
from core.api.pages import CursorPage
from core.audit import actor_of
from core.local_time import read_moment

ACCEPTED = OpenApiResponse(
    CampaignOutput, description="Under way; `Location` is the run, to be asked after `Retry-After`."
)


def campaigns() -> QuerySet[Campaign]:
    """Return campaigns with all that an answer shows of them."""
    related = Campaign.objects.select_related(
        "template", "template_version", "sender", "run", "topic"
    )
    return related.prefetch_related("lists")


def answer(campaign: Campaign, *, status: int = 200, location: str = "") -> Response:
    """Answer with the campaign as it is in the database now."""
    body = CampaignOutput(campaigns().get(pk=campaign.pk)).data
    headers = {"Location": location} if location else {}
    if status == 202:
        headers["Retry-After"] = "2"
    return Response(body, status=status, headers=headers)


def accepted(campaign: Campaign) -> Response:
    """Answer that a run does the rest."""
    run = campaign.run
    assert run is not None
    return answer(campaign, status=202, location=f"/api/v1/runs/{run.public_id}")


class CampaignListView(APIView):
    """All campaigns; new drafts."""

    required_scopes: ClassVar = {"GET": "campaigns:read", "POST": "campaigns:write"}
    required_permissions: ClassVar = {
        "GET": "campaigns.view_campaign",
        "POST": "campaigns.add_campaign",
    }
    pagination_class = CursorPage

    @extend_schema(operation_id="campaigns_list", responses=CampaignOutput(many=True))
    def get(self, request: Request) -> Response:
        """List campaigns, newest first."""
        page = CursorPage()
        rows = page.paginate_queryset(campaigns(), request, self) or []
        return page.get_paginated_response(CampaignOutput(rows, many=True).data)

    @extend_schema(
        operation_id="campaigns_create", request=CampaignInput, responses={201: CampaignOutput}
    )
    @idempotent
    def post(self, request: Request) -> Response:
        """Create a draft."""
        draft = validated(CampaignInput(data=request.data))
        campaign = actions.create_campaign(**draft, actor=actor_of(request))
        location = f"/api/v1/campaigns/{campaign.public_id}"
        return answer(campaign, status=201, location=location)


class CampaignView(APIView):
    """One campaign."""

    required_scopes: ClassVar = {"GET": "campaigns:read", "PATCH": "campaigns:write"}
    required_permissions: ClassVar = {
        "GET": "campaigns.view_campaign",
        "PATCH": "campaigns.change_campaign",
    }

    @extend_schema(operation_id="campaigns_read", responses=CampaignOutput)
    def get(self, request: Request, campaign_id: str) -> Response:
        """Read a campaign."""
        return answer(Campaign.from_public_id(campaign_id))

    @extend_schema(
        operation_id="campaigns_update",
        request=CampaignInput(partial=True),
        responses=CampaignOutput,
    )
    def patch(self, request: Request, campaign_id: str) -> Response:
        """Change a draft; once scheduled or started it is a 409."""
        campaign = Campaign.from_public_id(campaign_id)
        changes = validated(CampaignInput(data=request.data, partial=True))
        return answer(actions.update_campaign(campaign, actor=actor_of(request), **changes))


class AudienceView(APIView):
    """Whom a campaign would reach."""

    required_scopes: ClassVar = {"GET": "campaigns:read"}
    required_permissions: ClassVar = {"GET": "campaigns.view_campaign"}

    @extend_schema(operation_id="campaigns_audience", responses=AudienceOutput)
    def get(self, request: Request, campaign_id: str) -> Response:
        """Count the people a campaign would reach now, and those it would skip."""
        campaign = Campaign.from_public_id(campaign_id)
        count = count_audience(campaign)
        found = {**asdict(count), "gaps": count_gaps(campaign)}
        return Response(AudienceOutput(found).data)


class DuplicateView(APIView):
    """A copy of a campaign."""

    required_scopes: ClassVar = {"POST": "campaigns:write"}
    required_permissions: ClassVar = {"POST": "campaigns.add_campaign"}

    @extend_schema(
        operation_id="campaigns_duplicate", request=DuplicateInput, responses={201: CampaignOutput}
    )
    @idempotent
    def post(self, request: Request, campaign_id: str) -> Response:
        """Make a draft with the same template, sender and lists, whatever became of this one."""
        campaign = Campaign.from_public_id(campaign_id)
        wish = validated(DuplicateInput(data=request.data or {}))
        copy = actions.duplicate_campaign(campaign, name=wish["name"], actor=actor_of(request))
        return answer(copy, status=201, location=f"/api/v1/campaigns/{copy.public_id}")


class LaunchingView(APIView):
    """What starts a campaign, now or later."""

    required_scopes: ClassVar = {"POST": "campaigns:launch"}
    required_permissions: ClassVar = {"POST": "campaigns.launch_campaign"}


class ControlView(APIView):
    """What is done to a campaign that has started."""

    required_scopes: ClassVar = {"POST": "campaigns:launch"}
    required_permissions: ClassVar = {"POST": "campaigns.control_campaign"}


class SendView(LaunchingView):
    @extend_schema(operation_id="campaigns_send", request=None, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, campaign_id: str) -> Response:
        """Send now; a second time is a 409."""
        campaign = Campaign.from_public_id(campaign_id)
        return accepted(actions.launch_campaign(campaign, actor=actor_of(request)))


class ScheduleView(LaunchingView):
    @extend_schema(
        operation_id="campaigns_schedule", request=ScheduleInput, responses=CampaignOutput
    )
    @idempotent
    def post(self, request: Request, campaign_id: str) -> Response:
        """Let a draft start by itself at a moment to come."""
        campaign = Campaign.from_public_id(campaign_id)
        wish = validated(ScheduleInput(data=request.data))
        zone = wish["time_zone"]
        at = read_moment(wish["scheduled_at"], time_zone=zone, field=FIELD)
        actor = actor_of(request)
        return answer(actions.schedule_campaign(campaign, at=at, time_zone=zone, actor=actor))


class UnscheduleView(LaunchingView):
    @extend_schema(operation_id="campaigns_unschedule", request=None, responses=CampaignOutput)
    @idempotent
    def post(self, request: Request, campaign_id: str) -> Response:
        """Put a scheduled campaign back to draft."""
        campaign = Campaign.from_public_id(campaign_id)
        return answer(actions.unschedule_campaign(campaign, actor=actor_of(request)))


class PauseView(ControlView):
    @extend_schema(operation_id="campaigns_pause", request=PauseInput, responses=CampaignOutput)
    @idempotent
    def post(self, request: Request, campaign_id: str) -> Response:
        """Hold what was not handed over yet."""
        campaign = Campaign.from_public_id(campaign_id)
        wish = validated(PauseInput(data=request.data or {}))
        actor = actor_of(request)
        return answer(actions.pause_campaign(campaign, reason=wish["reason"], actor=actor))


class ResumeView(ControlView):
    @extend_schema(operation_id="campaigns_resume", request=None, responses={202: ACCEPTED})
    @idempotent
    def post(self, request: Request, campaign_id: str) -> Response:
        """Go on where it was paused."""
        campaign = Campaign.from_public_id(campaign_id)
        return accepted(actions.resume_campaign(campaign, actor=actor_of(request)))


class CancelView(ControlView):
    @extend_schema(
        operation_id="campaigns_cancel",
        request=None,
        responses={200: CampaignOutput, 202: ACCEPTED},
    )
    @idempotent
    def post(self, request: Request, campaign_id: str) -> Response:
        """Stop it for good: 202 while messages on their way are settled, 200 when it is over."""
        campaign = Campaign.from_public_id(campaign_id)
        actions.cancel_campaign(campaign, actor=actor_of(request))
        return accepted(campaign) if campaign.is_cancelling else answer(campaign)


def validated(serializer: Any) -> dict[str, Any]:
    """Return the checked body; an invalid one is a 400 that names every bad value."""
    serializer.is_valid(raise_exception=True)
    body: dict[str, Any] = serializer.validated_data
    return body


routes: list[URLPattern] = [
    path("campaigns", CampaignListView.as_view()),
    path("campaigns/<str:campaign_id>", CampaignView.as_view()),
    path("campaigns/<str:campaign_id>/audience", AudienceView.as_view()),
    path("campaigns/<str:campaign_id>/duplicate", DuplicateView.as_view()),
    path("campaigns/<str:campaign_id>/send", SendView.as_view()),
    path("campaigns/<str:campaign_id>/schedule", ScheduleView.as_view()),
    path("campaigns/<str:campaign_id>/unschedule", UnscheduleView.as_view()),
    path("campaigns/<str:campaign_id>/pause", PauseView.as_view()),
    path("campaigns/<str:campaign_id>/resume", ResumeView.as_view()),
    path("campaigns/<str:campaign_id>/cancel", CancelView.as_view()),
]
