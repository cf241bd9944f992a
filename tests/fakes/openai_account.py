"""What OpenAI does with a chat completion, without HTTP: checks, faults, stored answers, what was paid."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.serving import Reply

KNOWN = {
    "model",
    "messages",
    "response_format",
    "max_completion_tokens",
    "store",
    "metadata",
    "temperature",
    "top_p",
    "seed",
    "reasoning_effort",
    "verbosity",
    "service_tier",
}
Answer = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Paid:
    """One completion that was made, and is billed whether or not anybody heard of it."""

    key: str
    purpose: str
    id: str
    model: str
    input_tokens: int
    output_tokens: int
    data: dict[str, Any]


@dataclass
class Faults:
    """How the server misbehaves."""

    slow_seconds: float = 0.0  #: every answer takes this long
    lag_seconds: float = 0.0  #: a stored completion is listed only so much later
    list_status: int = 200  #: what listing answers
    quota: int | None = None  #: completions left before `insufficient_quota`
    #: What happens to the next calls, in order:
    #: ["ok"] | ["cut"] paid, then the line is cut | ["drop"] the line is cut, nothing was done
    #: ["lost"] paid and cut, and never listed | ["late", seconds] paid, answered so late | ["html"] 200 with a page
    #: ["refusal"] ["truncated"] ["filter"] ["empty"] ["text", content] | [status, code, {header: value}]
    script: list[list[Any]] = field(default_factory=list)


class Refusal(Exception):
    """A request is answered with an error of OpenAI's form."""

    def __init__(self, status: int, code: str, message: str = "", **headers: str) -> None:
        super().__init__(code)
        kind = code if code == "insufficient_quota" else "invalid_request_error"
        error = {"message": message or code, "type": kind, "param": None, "code": code}
        self.reply = Reply(status, {"error": error}, dict(headers))


class OpenAiAccount:
    """One project's account. Thread-safe; every decision under one lock, slow answers outside it."""

    def __init__(self, *, api_key: str = "sk-test") -> None:
        self.api_key = api_key
        self.faults = Faults()
        self.calls = 0
        self.listings = 0
        self.most_in_flight = 0
        self.most_of_one = 0
        self.paid: list[Paid] = []
        self.answer: Answer = answer_about_a_client
        self.output_tokens: int | None = None
        self.headers: dict[str, str] = {}
        self._in_flight = 0
        self._asked_about: Counter[str] = Counter()
        self._stored: list[tuple[float, dict[str, Any]]] = []
        self._lock = threading.Lock()

    def misbehave(self, **changes: Any) -> None:
        """Change some faults; the others stay as they are."""
        unknown = set(changes) - {f.name for f in fields(Faults)}
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        with self._lock:
            for name, value in changes.items():
                setattr(self.faults, name, value)

    # --- the calls --------------------------------------------------------------------------------

    def complete(self, body: bytes, headers: dict[str, str]) -> Reply:
        """Answer `POST /chat/completions`; header names in lower case."""
        with self._lock:
            self.calls += 1
            number = self.calls
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            reply = self._complete(body, headers)
        except Refusal as refusal:
            reply = refusal.reply
        finally:
            with self._lock:
                self._in_flight -= 1
        return replace(
            reply, headers={"x-request-id": f"req_{number}", **self.headers, **reply.headers}
        )

    def _complete(self, body: bytes, headers: dict[str, str]) -> Reply:
        self._check_authorization(headers)
        request = checked(body)
        with self._lock:
            fate = self.faults.script.pop(0) if self.faults.script else ["ok"]
            self._spend(fate)
        self._think(data_of(request).get("name", ""))
        if isinstance(fate[0], int):
            status, code, *rest = fate
            raise Refusal(status, code, **(rest[0] if rest else {}))
        if fate[0] == "drop":
            return Reply(500, {}, cut=True)
        completion = self._make(request, fate)
        if fate[0] == "late":
            time.sleep(fate[1])
        reply = Reply(200, completion, cut=fate[0] in ("cut", "lost"), is_fresh=True)
        return replace(reply, raw=b"<html>Gateway</html>") if fate[0] == "html" else reply

    def _think(self, name: str) -> None:
        """Take the time that an answer takes, and see whether the same is asked about twice at once."""
        with self._lock:
            self._asked_about[name] += 1
            self.most_of_one = max(self.most_of_one, self._asked_about[name])
        time.sleep(self.faults.slow_seconds)
        with self._lock:
            self._asked_about[name] -= 1

    def _spend(self, fate: list[Any]) -> None:
        if self.faults.quota is None or fate[0] == "drop" or isinstance(fate[0], int):
            return
        if self.faults.quota == 0:
            raise Refusal(429, "insufficient_quota", "You exceeded your current quota.")
        self.faults.quota -= 1

    def _make(self, request: dict[str, Any], fate: list[Any]) -> dict[str, Any]:
        data = data_of(request)
        content, reason, refusal = self._content(request, fate, data)
        with self._lock:
            input_tokens = len(json.dumps(request["messages"])) // 4
            output_tokens = self.output_tokens or len(content) // 4 + 1
            entry = Paid(
                request["metadata"]["step_key"],
                request["metadata"]["purpose"],
                f"chatcmpl-{len(self.paid) + 1:06d}",
                request["model"],
                input_tokens,
                output_tokens,
                data,
            )
            self.paid.append(entry)
            completion = {
                "id": entry.id,
                "object": "chat.completion",
                "created": int(time.time()),
                "model": request["model"],
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": reason,
                        "logprobs": None,
                        "message": {"role": "assistant", "content": content, "refusal": refusal},
                    }
                ],
                "usage": {
                    "prompt_tokens": input_tokens,
                    "completion_tokens": output_tokens,
                    "total_tokens": input_tokens + output_tokens,
                    "prompt_tokens_details": {"cached_tokens": 0},
                    "completion_tokens_details": {"reasoning_tokens": 0},
                },
                "service_tier": "default",
                "metadata": request["metadata"],
            }
            if request.get("store") and fate[0] != "lost":
                self._stored.append((time.monotonic() + self.faults.lag_seconds, completion))
        return completion

    def _content(
        self, request: dict[str, Any], fate: list[Any], data: dict[str, Any]
    ) -> tuple[str, str, str | None]:
        """Return what the model says, why it stopped, and how it declined."""
        told = json.dumps(self.answer(data))
        return {
            "refusal": ("", "stop", "I cannot help with that."),
            "truncated": (told[: len(told) // 2], "length", None),
            "filter": ("", "content_filter", None),
            "empty": ("", "stop", None),
            "text": (str(fate[-1]), "stop", None),
        }.get(str(fate[0]), (told, "stop", None))

    def list(self, query: str, headers: dict[str, str]) -> Reply:
        """Answer `GET /chat/completions`: stored ones whose metadata has these values."""
        try:
            self._check_authorization(headers)
        except Refusal as refusal:
            return refusal.reply
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        wanted = {n[9:-1]: v for n, v in asked.items() if n.startswith("metadata[")}
        with self._lock:
            self.listings += 1
            if self.faults.list_status != 200:
                return Refusal(self.faults.list_status, "not_found").reply
            found = [
                completion
                for visible_at, completion in self._stored
                if visible_at <= time.monotonic()
                and wanted.items() <= completion["metadata"].items()
                and asked.get("model", completion["model"]) == completion["model"]
            ]
            newest_first = asked.get("order") == "desc"
            found = found[:: -1 if newest_first else 1][: int(asked.get("limit", 20))]
        ids = [each["id"] for each in found]
        body = {
            "object": "list",
            "data": found,
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
            "has_more": False,
        }
        return Reply(200, body)

    def _check_authorization(self, headers: dict[str, str]) -> None:
        if headers.get("authorization") != f"Bearer {self.api_key}":
            raise Refusal(401, "invalid_api_key", "Incorrect API key provided.")


def checked(body: bytes) -> dict[str, Any]:
    """Return a request that the API would take; raises the refusal it would answer with."""
    request: dict[str, Any] = json.loads(body)
    if unknown := set(request) - KNOWN:
        raise Refusal(400, "unknown_parameter", f"Unknown parameter: '{min(unknown)}'.")
    for name in ("model", "messages"):
        if not request.get(name):
            raise Refusal(400, "missing_required_parameter", f"Missing '{name}'.")
    if request["model"].startswith("no-such"):
        raise Refusal(404, "model_not_found", f"The model '{request['model']}' does not exist.")
    metadata = request.get("metadata") or {}
    if len(metadata) > 16 or any(len(n) > 64 or len(v) > 512 for n, v in metadata.items()):
        raise Refusal(400, "invalid_metadata")
    return request


def data_of(request: dict[str, Any]) -> dict[str, Any]:
    """Return the data between the marks of the first user message, as the model would see it."""
    message = next(each["content"] for each in request["messages"] if each["role"] == "user")
    inside = message.partition("<data>")[2].partition("</data>")[0]
    found: dict[str, Any] = json.loads(inside)
    return found


def answer_about_a_client(data: dict[str, Any]) -> dict[str, Any]:
    """Say of a client what can be told from its name."""
    name = data.get("name", "")
    return {
        "industry_primary": f"{name} industry",
        "business_model": "B2B",
        "target_audience": ["buyers", "owners"],
        "competitors": [{"name": f"Rival of {name}", "domain": "https://www.Rival.co.za/about"}],
        "confidence": {"industry_primary": 0.9, "business_model": 0.8, "target_audience": 0.7},
    }
