"""By what staff narrow the ledger down. Choices come from our own words: asking which occur would read the ledger."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest

from core import clock
from messaging.channels import Channel
from messaging.life import MOMENTS
from messaging.models import Message, Sender, Stream
from messaging.states import Reason

WRITTEN_WITHIN = {
    "1": "the last 24 hours",
    "7": "the last 7 days",
    "30": "the last 30 days",
    "90": "the last 90 days",
}


class ReasonFilter(SimpleListFilter):
    """Our own reasons to choose from; links may also name a provider's."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(reason.value, str(reason.label)) for reason in Reason]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class LifeFilter(SimpleListFilter):
    """What happened to a message after it was handed over."""

    title = "life"
    parameter_name = "life"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(stage.value, str(stage.label)) for stage in MOMENTS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        if self.value() not in {stage.value for stage in MOMENTS}:
            return queryset
        return queryset.filter(**{f"{self.value()}_at__isnull": False})


class SenderFilter(SimpleListFilter):
    """From whom; asked of the few streams first, so that the ledger is read by their key."""

    title = "sender"
    parameter_name = "sender"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(key), name) for key, name in Sender.objects.values_list("pk", "name")[:200]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        sender = self.value()
        if not sender:
            return queryset
        return queryset.filter(stream__in=Stream.objects.filter(sender__pk=sender))


class ChannelFilter(SimpleListFilter):
    """By e-mail or by SMS."""

    title = "channel"
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(channel.value, str(channel.label)) for channel in Channel]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        if not self.value():
            return queryset
        return queryset.filter(stream__in=Stream.objects.filter(sender__channel=self.value()))


class WrittenFilter(SimpleListFilter):
    """When it was written."""

    title = "written within"
    parameter_name = "within"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(WRITTEN_WITHIN.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Message]) -> QuerySet[Message]:
        if self.value() not in WRITTEN_WITHIN:
            return queryset
        since = clock.now() - timedelta(days=int(self.value() or 0))
        return queryset.filter(created_at__gte=since)
