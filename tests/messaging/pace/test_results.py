"""What came of a send over time: drawn by the server, told in numbers, the same as a table."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as some

from messaging.charting import MOST_POINTS, points, series_of, step_for
from messaging.models import Message, Sender, StreamHour
from messaging.results import results_of, streams_of_template
from tests.messaging.outbox.making import deliver, make_stream

MONDAY = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
ago = some.integers(0, 24 * 400)
hours = some.dictionaries(
    ago.map(lambda h: MONDAY + h * HOUR), some.integers(1, 1000), min_size=1, max_size=8
)


@given(hours)
def test_no_count_is_lost_in_a_line_of_few_points(counts):
    start, end = min(counts), max(counts)

    series = series_of(counts, start=start, end=end, step=step_for(end - start))

    assert series.total == sum(counts.values())
    assert 1 <= len(series.values) <= MOST_POINTS
    assert series.moments()[-1] <= end < series.moments()[-1] + series.step


@given(some.lists(some.integers(0, 500), min_size=1, max_size=60))
def test_every_point_lies_inside_the_drawing(values):
    drawn = points(values, width=320, height=48, top=max(values))

    for pair in drawn.split():
        x, y = map(float, pair.split(","))
        assert 0 <= x <= 320
        assert 0 <= y <= 48


@pytest.mark.django_db
class TestResults:
    @pytest.fixture
    def stream(self, sandbox):
        stream = make_stream(sandbox, people=40)
        deliver()
        counts = [("delivered", 0, 30), ("delivered", 1, 9), ("opened", 3, 12), ("bounced", 0, 1)]
        for stage, hour, count in counts:
            StreamHour.objects.create(
                stream=stream, stage=stage, hour=MONDAY + hour * HOUR, count=count
            )
        return stream

    def test_each_kind_has_its_count_and_its_share_of_what_was_sent(self, stream):
        results = results_of(streams_of_template(stream.template_version.template))

        assert results.sent == 40
        assert [(line.label, line.count, line.share) for line in results.lines] == [
            ("Delivered", 39, "97.5 %"),
            ("Opened", 12, "30 %"),
            ("Clicked", 0, "0 %"),
            ("Bounced", 1, "2.5 %"),
            ("Complained", 0, "0 %"),
            ("Unsubscribed", 0, "0 %"),
        ]
        assert results.lines[0].series.values == (30, 9, 0, 0)

    def test_of_an_sms_staff_ask_what_did_not_arrive_and_of_both_what_came_about(self, stream):
        Sender.objects.update(provider="twilio", channel="sms")
        StreamHour.objects.create(stream=stream, stage="failed", hour=MONDAY, count=4)

        results = results_of(streams_of_template(stream.template_version.template))

        assert [(line.label, line.count) for line in results.lines] == [
            ("Delivered", 39),
            ("Opened", 12),
            ("Undelivered", 4),
            ("Bounced", 1),
            ("Unsubscribed", 0),
        ]

    def test_the_table_holds_the_same_numbers(self, stream):
        results = results_of(streams_of_template(stream.template_version.template))

        assert results.rows() == [
            (MONDAY, [30, 0, 0, 1, 0, 0]),
            (MONDAY + HOUR, [9, 0, 0, 0, 0, 0]),
            (MONDAY + 3 * HOUR, [0, 12, 0, 0, 0, 0]),
        ]

    def test_the_template_shows_them_folded_and_without_script(self, stream, oscar, client_of):
        template = stream.template_version.template
        place = reverse("admin:messaging_template_change", args=[template.pk])

        shown = client_of(oscar).get(place).content.decode()
        section = shown[
            shown.index("lh-results-fold") : shown.index(
                "</section>", shown.index("lh-results-fold")
            )
        ]

        assert "40 sent: 97.5 % delivered, 30 % opened" in shown
        assert section.count("<svg") == section.count('role="img"') == 6
        assert 'aria-label="Delivered: 39 in all, at most 30 in a slice of time"' in section
        assert '<th scope="col">Delivered</th>' in section
        assert not re.search(r"<script|\son[a-z]+=|https?://(?!www.w3.org)", section)

    def test_a_template_that_was_never_sent_shows_none(self, sandbox, oscar, client_of):
        stream = make_stream(sandbox, people=1)
        Message.objects.update(status="skipped", reason="cancelled")
        place = reverse(
            "admin:messaging_template_change", args=[stream.template_version.template_id]
        )

        assert "lh-results" not in client_of(oscar).get(place).content.decode()
