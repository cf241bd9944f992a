"""What an SMS to many will be billed as, judged by the texts of some of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet

from messaging import segments
from messaging.channels import Channel
from messaging.content.blocks import good_copies
from messaging.contexts import context_for
from messaging.models import Contact, Sender, TemplateVersion
from messaging.rendering import TemplateError, compiled
from messaging.unsubscribe import unsubscribe_url

#: So many people's texts stand for all: enough for a fair average, and written in an instant.
SAMPLE_SIZE = 50


@dataclass(frozen=True)
class Bill:
    """About how many segments so many people get; `forced_by` is what makes the text take more of them."""

    segments: int
    forced_by: str = ""

    @property
    def cost(self) -> str:
        """Such as `12.50 USD`, or nothing where no price is set."""
        return cost_of(self.segments)

    @property
    def in_words(self) -> str:
        """Such as `About 1,200 segments, 9.48 USD.`, with what makes it dear."""
        cost = f", {self.cost}" if self.cost else ""
        dear = f" Because of “{self.forced_by}” a segment holds 70 characters instead of 160."
        return f"About {segments.number_of(self.segments)}{cost}.{dear if self.forced_by else ''}"


def cost_of(count: int) -> str:
    """Return what so many segments cost at the price of the settings, or nothing where there is none."""
    return segments.cost_in_words(
        count, price=settings.SMS_PRICE_PER_SEGMENT, currency=settings.SMS_CURRENCY
    )


def estimate(
    version: TemplateVersion,
    *,
    reached: QuerySet[Contact],
    sender: Sender,
    title: str,
    people: int,
) -> Bill:
    """Return about what a version is billed as for so many people, judged by some of those whom it reaches."""
    texts = list(_texts(version, reached[:SAMPLE_SIZE], sender=sender, title=title))
    forced_by = "".join(segments.segments_of(text).forced_by for text in texts)
    return Bill(segments.estimate(texts, people=people), "".join(dict.fromkeys(forced_by)))


def _texts(
    version: TemplateVersion, people: Iterable[Contact], *, sender: Sender, title: str
) -> Iterable[str]:
    """Yield what each would get; whoever cannot get it costs nothing."""
    content = good_copies(version.content_blocks)
    template = compiled(version)
    for contact in people:
        context = context_for(
            contact,
            sender=sender,
            title=title,
            data={},
            unsubscribe_url=unsubscribe_url(contact, channel=Channel.SMS),
            content=content,
        )
        try:
            yield template.render(context).text.strip()
        except TemplateError:
            continue
