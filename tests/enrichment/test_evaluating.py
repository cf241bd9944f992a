"""Two versions of a prompt against answers that are known."""

from __future__ import annotations

import json
import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from core.errors import Refused
from enrichment.actions.prompts import save_version
from enrichment.evaluating import is_right, read_cases
from enrichment.models import AiCall
from enrichment.prompts import version_of
from jobs.models import Run
from jobs.testing import run_until_idle
from tests.enrichment.conftest import ALICE

pytestmark = pytest.mark.django_db
CASES = [
    {"input": {"name": "Acme"}, "expected": {"industry_primary": "acme INDUSTRY"}},
    {
        "input": {"name": "Beta"},
        "expected": {"business_model": "B2B", "target_audience": ["owners"]},
    },
]


@pytest.fixture
def golden(tmp_path):
    path = tmp_path / "golden.jsonl"
    path.write_text("\n".join(map(json.dumps, CASES)))
    return path


@pytest.fixture
def second(model):
    first = version_of("clients-enhance")
    names = ("model", "schema", "max_tokens", "params")
    content = {name: getattr(first, name) for name in names}
    return save_version(first.prompt, text="Say what it is.", **content, actor=ALICE)


@pytest.fixture(autouse=True)
def a_worker(monkeypatch):
    monkeypatch.setattr("jobs.watching.sleep", lambda _: run_until_idle(advance=True))


def test_both_versions_are_asked_and_compared(golden, second, model):
    out = StringIO()

    call_command("evaluate_prompt", "clients-enhance", golden=golden, yes=True, stdout=out)

    calls = AiCall.objects.filter(purpose="prompts.evaluate")
    assert sorted(calls.values_list("prompt_version__number", flat=True)) == [1, 1, 2, 2]
    cost, *told = out.getvalue().splitlines()
    assert re.fullmatch(r"4 calls, at most \$0\.\d+\.", cost)
    assert [line.partition(",")[0] for line in told] == [
        "version 1: 3 of 3 values right",
        "version 2: 3 of 3 values right",
    ]
    assert len(model.paid) == 4


def test_nothing_is_asked_before_somebody_agrees_to_what_it_costs(golden, second, model):
    out = StringIO()

    with pytest.raises(CommandError, match="Nothing was asked"):
        call_command("evaluate_prompt", "clients-enhance", golden=golden, stdout=out)

    assert re.fullmatch(r"4 calls, at most \$0\.\d+\.\n", out.getvalue())
    assert (Run.objects.count(), model.account.calls) == (0, 0)


def test_the_sandbox_is_asked_for_nothing_and_says_so(golden, settings):
    first = version_of("clients-enhance")
    names = ("model", "schema", "max_tokens", "params")
    content = {name: getattr(first, name) for name in names}
    save_version(first.prompt, text="Say what it is.", **content, actor=ALICE)
    out = StringIO()

    call_command("evaluate_prompt", "clients-enhance", golden=golden, stdout=out)

    assert out.getvalue().startswith("4 calls to the built-in sandbox model: they cost nothing")


def test_a_worse_version_ends_with_3_and_its_misses_are_named(golden, second, model):
    model.misbehave(script=[["ok"], ["ok"], ["ok"], ["text", "no idea"]])
    out = StringIO()

    with pytest.raises(CommandError) as failure:
        call_command("evaluate_prompt", "clients-enhance", golden=golden, yes=True, stdout=out)

    assert failure.value.returncode == 3
    assert "version 2: 1 of 3 values right, 1 of 2 answers unreadable" in out.getvalue()
    assert "case 2, business_model: None instead of 'B2B'" in out.getvalue()


def test_one_version_cannot_be_compared(golden, model):
    with pytest.raises(CommandError, match="comparing needs two"):
        call_command("evaluate_prompt", "clients-enhance", golden=golden)
    with pytest.raises(CommandError, match="no version 9"):
        call_command("evaluate_prompt", "clients-enhance", golden=golden, versions=[1, 9])
    with pytest.raises(CommandError, match="There is no prompt 'nothing'"):
        call_command("evaluate_prompt", "nothing", golden=golden)
    with pytest.raises(CommandError, match="cannot be compared with itself"):
        call_command("evaluate_prompt", "clients-enhance", golden=golden, versions=[1, 1])
    assert Run.objects.count() == 0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"input": {}}', '{"input": 1, "expected": {}}'])
def test_a_file_that_is_no_golden_set_is_refused(text):
    with pytest.raises(Refused) as refusal:
        read_cases(text)
    assert refusal.value.field == "golden"


@pytest.mark.parametrize(
    ("told", "wanted", "right"),
    [
        (" Mining ", "mining", True),
        ("Mining and more", "mining", False),
        (["b", "A"], ["a"], True),
        (["b"], ["a", "b"], False),
        ("a", ["a"], True),
        (None, "a", False),
        (None, None, True),
    ],
)
def test_what_counts_as_right(told, wanted, right):
    assert is_right(told, wanted) is right
