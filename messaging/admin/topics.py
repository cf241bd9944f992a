"""Topics for staff: what people may choose by."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, Q, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from core.admin import ModelAdmin, display, register
from core.audit import actor_of
from messaging.actions.topics import create_topic, update_topic
from messaging.models import Topic


@register(Topic)
class TopicAdmin(ModelAdmin):
    """A topic's page."""

    empty_text = (
        "A topic is what a campaign is about. People choose topics on their preference page, and"
        " who declined one gets no campaign about it."
    )

    list_display = ("name", "description", "is_opt_in", "chosen", "declined")
    search_fields: ClassVar = ["name"]
    ordering = ("name",)
    fields = ("name", "description", "is_opt_in")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        counted = {
            state: Count("choices", filter=Q(choices__state=state))
            for state in ("granted", "withdrawn")
        }
        return super().get_queryset(request).annotate(**counted)

    def has_delete_permission(self, request: HttpRequest, obj: Topic | None = None) -> bool:
        return False

    def save_model(
        self, request: HttpRequest, obj: Topic, form: ModelForm[Topic], change: bool
    ) -> None:
        """Write through the same actions as every other door."""
        given = {name: form.cleaned_data[name] for name in self.fields}
        if change:
            update_topic(obj, **given, actor=actor_of(request))
        else:
            obj.pk = create_topic(**given, actor=actor_of(request)).pk

    @display(description="Chose it", ordering="granted")
    def chosen(self, topic: Any) -> str:
        return f"{topic.granted:,}"

    @display(description="Declined it", ordering="withdrawn")
    def declined(self, topic: Any) -> str:
        return f"{topic.withdrawn:,}"
