"""Asking a model within a run: paid once, counted against its budgets, and never lost.

    call = asking.ask(run, "call openai", purpose="clients.enhance", subject="cli_…", prompt=version, input={…})
    found, call = asking.answer(run, "classify", purpose="tenders.classify", prompt=version, input={…}, read=read)

The order of a paid call, which nothing here changes:

1. The row of the ledger and its money commit (`reserved`).
2. It is marked `sent`, under the run's lease.
3. The call is made, without retries and in no transaction, with the row's key as metadata of a stored completion.
4. The raw answer and its cost commit (`received`).
5. A later step reads it.

Whatever dies on the way: a row that is `reserved` is sent, one that is `sent` is looked up by its key (doubts.py), one
that is `received` is never asked for again. A run whose call stays in doubt, or whose account is out of money, waits
for a person, without a worker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from core.errors import PermanentFailure, RetryAfter, TransientFailure
from core.ids import decode
from enrichment import accounts, doubts, ledger
from enrichment.budgets import Payer
from enrichment.composing import compose, sha256_of
from enrichment.judging import Judgement, judge, message_of
from enrichment.models import AiCall, Client, PromptVersion
from enrichment.pricing import MORE_ROOM
from enrichment.profile import Unreadable
from enrichment.providers.base import AccountBlocked, InDoubt, NotTaken, RateLimited, Rejected
from enrichment.providers.registry import provider, provider_in_use
from enrichment.states import CallStatus, Verdict
from jobs import limits
from jobs.context import RunContext

PAUSED = "paused"
#: A call that does not even give way to its own time limit is stopped by the step's.
STOP_AFTER = 30.0

Reader = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Question:
    """What is asked, once within a run and a step. `within`: the run whose budget pays, the asking one unless said."""

    step: str
    purpose: str
    prompt: PromptVersion
    input: Mapping[str, Any]
    subject: str = ""
    client: Client | None = None
    within: str = ""
    mends: AiCall | None = None
    max_tokens: int | None = None

    def payer(self, run: RunContext) -> Payer:
        client = self.client.public_id if self.client else ""
        return Payer(run=self.within or run.id, client=client)


def ask(run: RunContext, step: str, **question: Any) -> AiCall:
    """Ask once, whatever happens, and return the call with its raw answer, unread; members as of `Question`.

    The step's name is the question's key within the run: use another for another question. Raises Refused where the
    model has no price or a budget is used up (nothing is spent), PermanentFailure where the provider refuses the
    request; leaves the run waiting while a person is needed.
    """
    asked = Question(step, **question)
    limit = settings.OPENAI_TIMEOUT_SECONDS + STOP_AFTER
    while True:
        told = run.step(step, _buy, run, asked, timeout=limit)
        if told["standing"] == CallStatus.RECEIVED:
            return AiCall.objects.select_related("prompt_version__prompt").get(key=told["key"])
        if told["standing"] == PAUSED:
            match = {"account": told["account"]}
            run.wait_for(f"{step}: until the account is resumed", accounts.RESUMED, match=match)
        else:
            run.wait_for(
                f"{step}: until a person decides", ledger.DECIDED, match={"call": told["call"]}
            )


def answer(
    run: RunContext, step: str, *, read: Reader, then: str = "", **question: Any
) -> tuple[Any, AiCall]:
    """Ask, and return what `read` makes of the answer (JSON), and the call it came from.

    `read` is pure and raises Unreadable. An answer that was cut off is asked for once more with more room, one that
    cannot be read is repaired once; both are calls of their own. Raises PermanentFailure when the model declines, or
    when that does not help either.
    """
    reading = then or f"{step}: read"
    call = ask(run, step, **question)
    told = run.transaction(reading, read_call, call, read)
    if told["verdict"] == Verdict.TRUNCATED:
        room = call.request["max_completion_tokens"] * MORE_ROOM
        call = ask(run, f"{step}, with more room", max_tokens=room, **question)
        told = run.transaction(f"{reading} the longer one", read_call, call, read)
    if told["verdict"] == Verdict.INVALID:
        call.refresh_from_db()
        call = ask(run, f"{step}, repaired", mends=call, **question)
        told = run.transaction(f"{reading} the repaired one", read_call, call, read)
    if told["verdict"] != Verdict.VALID:
        raise PermanentFailure(f"{Verdict(told['verdict']).label}: {told['problem']}")
    return told["answer"], call


def earlier(
    *, purpose: str, subject: str, prompt: PromptVersion, input: Mapping[str, Any]
) -> tuple[dict[str, Any], AiCall] | None:
    """Return the last answer of use to this very question about a subject, and its call, whichever run paid for it."""
    calls = AiCall.objects.filter(
        subject=subject,
        purpose=purpose,
        input_sha256=sha256_of([prompt.sha256, purpose, input]),
        provider=provider_in_use(),
        model=prompt.model,
        status=CallStatus.RECEIVED,
        verdict=Verdict.VALID,
    )
    call = calls.order_by("-id").first()
    return None if call is None else (judge(call.response or {}).answer, call)


def read_call(call: AiCall, read: Reader) -> dict[str, Any]:
    """Judge a received answer and read it; the verdict is kept with the call."""
    judgement = judge(call.response or {})
    found: Any = None
    if judgement.verdict == Verdict.VALID:
        try:
            found = read(judgement.answer)
        except Unreadable as error:
            judgement = Judgement(Verdict.INVALID, problem=str(error))
    AiCall.objects.filter(pk=call.pk).update(verdict=judgement.verdict, problem=judgement.problem)
    return {"verdict": judgement.verdict, "problem": judgement.problem, "answer": found}


# --- the paid step -----------------------------------------------------------------------------------------------


def _buy(run: RunContext, question: Question) -> dict[str, str]:
    """Bring one question to its answer, as far as it goes now; what it returns is the checkpoint."""
    call = _present(run, question)
    if call.status == CallStatus.RESERVED:
        if accounts.is_paused(call.provider):
            ledger.fail(call, NotTaken("paused", "The account is paused."))
            return _paused(call)
        _heed_the_limits(call)
        if not _call(run, call):
            return _paused(call)
    if call.status == CallStatus.SENT:
        ledger.doubt(call, InDoubt("no_answer", "Its worker died before an answer was kept."))
    if call.status == CallStatus.UNKNOWN:
        doubts.look(call)
    if call.status == CallStatus.FAILED:
        raise _again(call)
    return {"standing": call.status, "call": call.public_id, "key": call.key}


def _again(call: AiCall) -> Exception:
    """Return what lets the step be tried again: the call was found not to have been done."""
    is_free = provider(call.provider).is_free
    return RetryAfter(call.problem, seconds=0.1) if is_free else TransientFailure(call.problem)


def _present(run: RunContext, question: Question) -> AiCall:
    """Return the call that stands for a question now, with its money set aside if it is still to be made."""
    earlier = AiCall.objects.filter(question=_key(run, question)).order_by("id")
    call = earlier.last()
    if call is not None and call.purpose != question.purpose:
        raise PermanentFailure(f"Two questions of this run share the step {question.step!r}.")
    if call is not None and call.status == CallStatus.ABANDONED:
        if call.problem_code == doubts.GIVEN_UP:
            raise PermanentFailure(f"{call.public_id} was given up by a person: {call.problem}")
        call = None
    if call is None:
        draft = _draft(run, question, turn=earlier.count() + 1)
        return ledger.open_call(draft, payer=question.payer(run), fence=run.renew)
    if call.status == CallStatus.FAILED:
        ledger.reopen(call, payer=question.payer(run), fence=run.renew)
    return call


def _draft(run: RunContext, question: Question, *, turn: int) -> AiCall:
    version, asked = question.prompt, _key(run, question)
    key = f"{asked}#{turn}"
    request = compose(
        version,
        question.input,
        key=key,
        purpose=question.purpose,
        name=version.prompt.name,
        max_tokens=question.max_tokens,
        mend=_to_mend(question.mends) if question.mends else None,
    )
    return AiCall(
        key=key,
        question=asked,
        purpose=question.purpose,
        subject=question.subject,
        client=question.client,
        run_id=_run_key(run),
        prompt_version=version,
        repairs=question.mends,
        provider=provider_in_use(),
        model=version.model,
        input_sha256=sha256_of([version.sha256, question.purpose, question.input]),
        request=request,
    )


def _call(run: RunContext, call: AiCall) -> bool:
    """Make the call; False where the account had to be paused instead. Raises to be tried again later."""
    if not ledger.mark_sent(call, fence=run.renew):
        return True
    try:
        completion = provider(call.provider).complete(call.request)
    except AccountBlocked as outcome:
        ledger.fail(call, outcome)
        accounts.pause_account(call.provider, reason=outcome.message)
        return False
    except RateLimited as outcome:
        ledger.fail(call, outcome)
        limits.pause_key(_limit_of(call), seconds=outcome.wait)
        raise RetryAfter(outcome.message, seconds=outcome.wait) from outcome
    except NotTaken as outcome:
        ledger.fail(call, outcome)
        raise TransientFailure(outcome.message) from outcome
    except Rejected as outcome:
        ledger.fail(call, outcome)
        raise PermanentFailure(f"The provider refuses the request: {outcome.message}") from outcome
    except InDoubt as outcome:
        ledger.doubt(call, outcome, is_denied=outcome.is_denied)
        return True
    ledger.receive(call, [completion])
    if completion.rest_seconds:
        limits.pause_key(_limit_of(call), seconds=completion.rest_seconds)
    return True


def _heed_the_limits(call: AiCall) -> None:
    """Wait without a worker while the provider wants nobody to call: it told one worker, and all of them heed it."""
    wait = limits.paused_for(_limit_of(call))
    if wait:
        raise RetryAfter("The provider asked us to wait.", seconds=wait)


def _limit_of(call: AiCall) -> str:
    return f"ai:{call.provider}:{call.model}"


def _paused(call: AiCall) -> dict[str, str]:
    return {"standing": PAUSED, "account": call.provider}


def _key(run: RunContext, question: Question) -> str:
    return f"{run.id}:{question.step}"


def _run_key(run: RunContext) -> UUID:
    return UUID(int=decode("run", run.id))


def _to_mend(call: AiCall) -> tuple[str, str]:
    """Return the answer of a call and what is wrong with it, for the model to mend."""
    return str(message_of(call.response or {}).get("content") or "(empty)"), call.problem
