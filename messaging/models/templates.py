"""Templates and their versions: a campaign sends a version, which nobody can change under it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from core import clock
from core.ids import PublicIdModel
from messaging.channels import Channel
from messaging.models.append_only import AppendOnlyModel


class Template(PublicIdModel):
    """A named text for one channel; its content stands in its versions."""

    id_prefix = "tpl"

    name = models.CharField(max_length=120)
    channel = models.CharField(max_length=8, choices=Channel.choices, default=Channel.EMAIL)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        permissions = [("proof_template", "Can send tests of templates")]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="template_name_is_unique"),
            models.CheckConstraint(
                condition=Q(channel__in=Channel.values), name="template_channel_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def latest(self) -> TemplateVersion | None:
        """The version that a new campaign would send."""
        return self.versions.order_by("-number").first()


class TemplateVersion(AppendOnlyModel):
    """One content of a template, numbered from 1, never changed.

    `source_html` (HTML or MJML) and `source_text` are what staff wrote; `html` and `text` are what is
    rendered: MJML made HTML, preheader put in, styles inlined, and the plain text derived where staff
    wrote none. `content_blocks` names the blocks of the Content API that it shows.
    """

    template = models.ForeignKey(
        Template, on_delete=models.PROTECT, related_name="versions", db_index=False
    )
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=500, blank=True)
    preheader = models.CharField(max_length=300, blank=True)
    source_html = models.TextField(blank=True)
    source_text = models.TextField(blank=True)
    html = models.TextField(blank=True)
    text = models.TextField(blank=True)
    variables = models.JSONField(default=list)
    content_blocks = models.JSONField(default=list)
    checksum = models.CharField(max_length=64)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["template", "number"], name="template_version_number_is_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"
