"""What stands in a campaign's way, in plain words, each with what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.timezone import localtime

from campaigns.appearance import in_its_zone
from campaigns.handovers import batches_of
from campaigns.models import Campaign
from campaigns.outlook import WAITS, Outlook, moment_in_words, more_days
from campaigns.readiness import bill_of, check_audience, check_parts, count_gaps
from campaigns.states import UNDER_WAY, Status
from campaigns.wording import forecast, gap_in_words, people
from core.clock import now
from core.errors import Refused
from core.live import Notice
from jobs.models import Run
from messaging.models import Lane, SendBatch
from messaging.streams import Hold, Tally


def notices_of(
    campaign: Campaign, *, figures: Tally | None, outlook: Outlook | None = None
) -> list[Notice]:
    """Return everything that staff should know about, the most pressing first."""
    found = [*_about_the_draft(campaign), *_about_the_start(campaign), *_about_the_end(campaign)]
    if campaign.stream_id:
        found += [*_about_parked(campaign), *_about_doubt(figures)]
    if campaign.status in UNDER_WAY:
        found += [*_about_the_sender(campaign), *_about_the_run(campaign)]
        found += [*_about_lanes(campaign), *_about_retries(campaign)]
    if outlook and not campaign.is_cancelling:
        found += [*_about_the_day(campaign, outlook), *_about_holds(campaign, outlook)]
    return found


def _about_the_draft(campaign: Campaign) -> Iterator[Notice]:
    if campaign.status != Status.DRAFT:
        return
    try:
        check_parts(campaign)
        count = check_audience(campaign)
    except Refused as refusal:
        yield Notice(refusal.message, refusal.remedy, icon="info")
    else:
        told = forecast(count, per_second=campaign.sender.rate_per_second)
        yield Notice(
            f"Ready for {people(count.sendable)}.",
            f"{told} {bill_of(campaign, people=count.sendable)}".strip(),
            icon="group",
            tone="calm",
        )
        yield from _about_gaps(campaign)


def _about_gaps(campaign: Campaign) -> Iterator[Notice]:
    for gap in count_gaps(campaign):
        yield Notice(
            gap_in_words(gap),
            f"Give {gap.variable} a default in the template, or fill it in.",
            icon="person_search",
            url=reverse("admin:campaigns_campaign_gaps", args=[campaign.pk]),
            link="See who",
        )


def _about_the_start(campaign: Campaign) -> Iterator[Notice]:
    if campaign.status != Status.SCHEDULED:
        return
    if campaign.asks_since:
        yield Notice(
            f"It was due on {in_its_zone(campaign)}, which is too long ago to start by itself.",
            "Press “Send it late” or “Back to draft”.",
            icon="help",
        )
    elif campaign.start_problem:
        yield Notice(
            f"It was due, but could not start: {campaign.start_problem}",
            "Mend that and it starts within two minutes, or put it back to draft.",
            icon="error",
            tone="bad",
        )


def _about_the_end(campaign: Campaign) -> Iterator[Notice]:
    if campaign.status == Status.FAILED and campaign.run:
        yield Notice(
            f"Its run failed: {campaign.failure}",
            "Nothing goes out. Retry the run to go on where it stopped, or cancel the campaign.",
            icon="error",
            tone="bad",
            url=reverse("admin:jobs_run_change", args=[campaign.run.pk]),
            link="Open the run",
        )
    if campaign.status == Status.SENT and campaign.failure:
        yield Notice(
            campaign.failure,
            "Look at the reasons below; once they are mended, send a copy.",
            icon="error",
            tone="bad",
        )
    if campaign.is_cancelling:
        yield Notice(
            "Nothing new goes out. Messages already on their way are being settled.",
            "There is nothing to do: it ends by itself.",
            icon="hourglass_top",
        )
    if campaign.status == Status.PAUSED:
        why = f": {campaign.paused_reason}" if campaign.paused_reason else "."
        yield Notice(f"Paused{why}", "Press “Resume” to go on.", icon="pause_circle")


def _about_the_sender(campaign: Campaign) -> Iterator[Notice]:
    sender = campaign.sender
    if sender.is_paused:
        yield Notice(
            f"The sender “{sender.name}” is paused: {sender.paused_reason}",
            "Mend that, then resume the sender; the campaign goes on by itself.",
            icon="pause_circle",
            url=reverse("admin:messaging_sender_change", args=[sender.pk]),
            link="Open the sender",
        )


def _about_the_run(campaign: Campaign) -> Iterator[Notice]:
    if campaign.run and campaign.run.status == Run.Status.PAUSED:
        yield Notice(
            "Its run is paused: what is written goes out, but nobody follows it to its end.",
            "Resume the run, or cancel the campaign.",
            icon="pause_circle",
            url=reverse("admin:jobs_run_change", args=[campaign.run.pk]),
            link="Open the run",
        )


def _about_parked(campaign: Campaign) -> Iterator[Notice]:
    parked = batches_of(campaign).filter(status=SendBatch.Status.PARKED)
    counts = list(parked.values_list("count", flat=True))
    if counts:
        yield Notice(
            f"{_batches(len(counts))} ({_messages(sum(counts))}) got no certain answer. "
            "Nothing of that is sent again by itself.",
            "Look into the provider's log, then decide about each batch.",
            icon="pending",
            tone="bad",
            url=reverse("admin:messaging_sendbatch_changelist") + "?status__exact=parked",
            link="Open parked batches",
        )


def _about_doubt(figures: Tally | None) -> Iterator[Notice]:
    if figures and figures.in_doubt:
        yield Notice(
            f"{_messages(figures.in_doubt)} may or may not have arrived.",
            "Nothing is sent twice. Look into the provider's log and decide.",
            icon="help",
        )


def _about_lanes(campaign: Campaign) -> Iterator[Notice]:
    broken = Lane.objects.filter(sender=campaign.sender_id, run__status=Run.Status.FAILED)
    for run_id in broken.values_list("run_id", flat=True):
        yield Notice(
            f"A sending lane of “{campaign.sender.name}” has stopped with an error.",
            "Read the error in its run, mend it, and retry the run.",
            icon="error",
            tone="bad",
            url=reverse("admin:jobs_run_change", args=[run_id]),
            link="Open the run",
        )


def _about_the_day(campaign: Campaign, outlook: Outlook) -> Iterator[Notice]:
    if outlook.closed_until:
        sender = campaign.sender
        opens = outlook.closed_until.astimezone(sender.zone)
        yield Notice(
            f"The sender “{sender.name}” has used up what it may send today.",
            f"{outlook.ready + outlook.held:,} wait. It goes on by itself on "
            f"{opens:%-d %B, %H:%M} ({sender.zone.key}), "
            f"and needs {more_days(outlook.more_days)}.",
            icon="calendar_today",
            tone="calm",
            url=reverse("admin:messaging_sender_change", args=[sender.pk]),
            link="Open the sender",
        )


def _about_holds(campaign: Campaign, outlook: Outlook) -> Iterator[Notice]:
    for hold in outlook.holds:
        query = urlencode(
            {
                "stream__id__exact": str(campaign.stream_id),
                "reason": hold.reason,
                "status__exact": "pending",
            }
        )
        yield Notice(
            f"{hold.count:,} {WAITS.get(hold.reason, 'wait')}.",
            f"There is nothing to do: {_spell(hold)}.",
            icon="bedtime" if hold.reason == "quiet_hours" else "schedule",
            tone="calm",
            url=f"{reverse('admin:messaging_message_changelist')}?{query}",
            link="Show them",
        )


def _spell(hold: Hold) -> str:
    first, last = moment_in_words(hold.first), moment_in_words(hold.last)
    if first == last:
        return f"they go on {first}"
    return f"the first go on {first}, the last {last}"


def _about_retries(campaign: Campaign) -> Iterator[Notice]:
    waiting = batches_of(campaign).filter(
        status__in=[SendBatch.Status.FROZEN, SendBatch.Status.ATTEMPTED], next_attempt_at__gt=now()
    )
    soonest = waiting.order_by("next_attempt_at").values_list("next_attempt_at", flat=True).first()
    if soonest:
        yield Notice(
            f"The provider did not take {_batches(waiting.count())}; the next attempt is at "
            f"{localtime(soonest):%H:%M:%S}.",
            "There is nothing to do: it goes on by itself.",
            icon="update",
        )


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count:,} messages"


def _batches(count: int) -> str:
    return "1 batch" if count == 1 else f"{count:,} batches"
