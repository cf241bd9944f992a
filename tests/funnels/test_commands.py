"""The command line: install, enroll, rehearse."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from funnels.models import Enrollment, Funnel, Registration
from funnels.standard import AFTER, BEFORE
from messaging.actions.people import add_to_list, create_list
from messaging.models import ProviderName, Sender
from tests.funnels.conftest import ALICE


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_installing_twice_keeps_what_is_there(senders):
    first = run("install_funnels", "--nurture", "5d", "--final", "90m")
    second = run("install_funnels")

    assert first.splitlines() == [f"{BEFORE}: installed", f"{AFTER}: installed"]
    assert second.splitlines() == [f"{BEFORE}: kept", f"{AFTER}: kept"]
    steps = {step.name: step for step in Funnel.objects.get(name=AFTER).published.steps.all()}
    assert (steps["nurture"].amount, steps["nurture"].unit) == (5, "days")
    assert (steps["final-followup"].amount, steps["final-followup"].unit) == (90, "minutes")
    assert Funnel.objects.get(name=BEFORE).starts_per_minute is None


def test_a_real_provider_gets_fifty_a_minute_to_begin_with(senders):
    senders[0].provider = ProviderName.RESEND
    senders[0].save()

    run("install_funnels")

    assert Funnel.objects.get(name=BEFORE).starts_per_minute == 50


def test_a_sender_whose_provider_tells_no_pace_gets_a_hundred_a_minute_to_begin_with(senders):
    mail, texts = senders
    Sender.objects.filter(pk=texts.pk).update(provider=ProviderName.TWILIO)
    Sender.objects.filter(pk=mail.pk).update(provider=ProviderName.RESEND)

    told = run("install_funnels")
    rates = dict(Sender.objects.values_list("name", "rate_per_second"))
    Sender.objects.update(rate_per_second=None)
    run("install_funnels")

    assert told.splitlines()[2:] == ["Texts: 100 messages a minute, to begin with"]
    assert rates == {"Events": None, "Texts": 1.667}
    assert set(Sender.objects.values_list("rate_per_second", flat=True)) == {None}


def test_without_a_sender_nothing_is_installed(db):
    with pytest.raises(CommandError, match="no sender for e-mails"):
        run("install_funnels")

    assert Funnel.objects.count() == 0


def test_people_are_enrolled_by_address_by_list_and_by_file(
    event, before, make_person, tmp_path: Path
):
    people = [make_person(name) for name in ("ada", "ben", "cleo", "dan")]
    add_to_list(create_list(name="Guests", actor=ALICE), people[1:3], actor=ALICE)
    file = tmp_path / "more.csv"
    file.write_text("dan@example.com\nada@example.com\n")

    told = [
        run("enroll", event.public_id, "--contact", "ada@example.com"),
        run("enroll", event.public_id, "--list", "guests"),
        run("enroll", event.public_id, "--file", str(file)),
    ]

    assert [each.split(" people")[0] for each in told] == ["1 of 1", "2 of 2", "1 of 2"]
    assert Enrollment.objects.count() == 4


def test_an_unknown_person_enrolls_nobody(event, before, make_person, tmp_path: Path):
    make_person("ada")
    file = tmp_path / "guests.csv"
    file.write_text("ada@example.com\nnobody@example.com\n")

    with pytest.raises(CommandError, match="Line 2"):
        run("enroll", event.public_id, "--file", str(file))
    with pytest.raises(CommandError):
        run("enroll", "occ_1", "--contact", "ada@example.com")

    assert Registration.objects.count() == 0


def test_a_rehearsal_prints_every_story_and_leaves_nothing(db):
    told = run("rehearse_funnel", "--time-zone", "Africa/Johannesburg")

    stories = [line for line in told.splitlines() if not line.startswith(" ")]
    assert stories == ["pre-event", "post-event-attended", "post-event-no-show"]
    assert (told.count("Sent"), told.count("Not sent: for the other branch")) == (11, 6)
    assert "SAST  reminder-24h" in told
    assert Funnel.objects.count() == Registration.objects.count() == 0
