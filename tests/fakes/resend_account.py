"""What Resend does with a request, without HTTP: keys, limits, validation, faults, and the ledger of accepted mail."""

from __future__ import annotations

import hashlib
import json
import random
import re
import threading
import time
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from tests.fakes.serving import Reply

MAX_BATCH = 100
KEY_LIFETIME = 24 * 3600
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
ADDRESS = re.compile(r"[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+")
NOT_IN_BATCHES = ("attachments", "scheduled_at")


@dataclass(frozen=True)
class Accepted:
    """One e-mail that the provider took and will deliver."""

    message: str
    to: str
    key: str
    id: str


@dataclass
class Faults:
    """How the server misbehaves. Rates are shares of calls between 0 and 1, drawn from the seed."""

    cut_rate: float = 0.0  #: accepted, then the connection is cut before the answer
    drop_rate: float = 0.0  #: the connection is cut and nothing was accepted
    error_rate: float = 0.0  #: 500, nothing accepted
    slow_seconds: float = 0.0  #: every answer takes this long
    requests_per_second: int = 0  #: 0: no limit and no limit headers
    quota: int | None = None  #: e-mails left before `daily_quota_exceeded`
    #: Answers to the next calls, each `[status, name]` or `["cut"]` or `["drop"]`; consumed in order.
    script: list[list[Any]] = field(default_factory=list)
    #: Refuse whole batches although permissive was asked for, as an older API did.
    always_strict: bool = False


class Refusal(Exception):
    """A request is answered with an error of Resend's form."""

    def __init__(self, status: int, name: str, message: str = "", **headers: str) -> None:
        super().__init__(name)
        body = {"statusCode": status, "message": message or name.replace("_", " "), "name": name}
        self.reply = Reply(status, body, {k.replace("_", "-"): v for k, v in headers.items()})


@dataclass
class StoredAnswer:
    fingerprint: str
    at: float
    reply: Reply | None = None  #: None while the first call is in flight


class ResendAccount:
    """One team's account. Thread-safe; every decision under one lock, slow answers outside it."""

    def __init__(
        self, *, api_key: str = "re_test", seed: int = 7, ledger: Path | None = None
    ) -> None:
        self.api_key = api_key
        self.faults = Faults()
        self.calls = 0
        self._ledger_file = ledger.open("a") if ledger else None
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._offset = 0.0
        self._accepted: list[Accepted] = []
        self._keys: dict[str, StoredAnswer] = {}
        self._window = (0, 0)

    # --- what tests read and change ---------------------------------------------------------------

    @property
    def accepted(self) -> list[Accepted]:
        with self._lock:
            return list(self._accepted)

    def misbehave(self, **changes: Any) -> None:
        """Change some faults; the others stay as they are."""
        unknown = set(changes) - {f.name for f in fields(Faults)}
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        with self._lock:
            for name, value in changes.items():
                setattr(self.faults, name, value)

    def advance(self, seconds: float) -> None:
        """Move this server's clock, which ages idempotency keys and rate windows."""
        with self._lock:
            self._offset += seconds

    def close(self) -> None:
        if self._ledger_file:
            self._ledger_file.close()

    # --- the call ---------------------------------------------------------------------------------

    def send_batch(self, body: bytes, headers: dict[str, str]) -> Reply:
        """Answer `POST /emails/batch`; header names in lower case."""
        limits: dict[str, str] = {}
        try:
            with self._lock:
                self.calls += 1
                self._check_authorization(headers)
                fate = self._fate()
                limits = self._spend_request()
                key = self._check_key(headers)
                stored = self._look_up(key, body)
            if stored:
                return stored
            if self.faults.slow_seconds:
                time.sleep(self.faults.slow_seconds)
            reply = self._take(key, body, headers, fate)
        except Refusal as refusal:
            reply = refusal.reply
        return replace(reply, headers={**limits, **reply.headers})

    def _now(self) -> float:
        return time.time() + self._offset

    def _check_authorization(self, headers: dict[str, str]) -> None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not given or given == "None":
            raise Refusal(401, "missing_api_key", "Missing API Key")
        if given != self.api_key:
            raise Refusal(403, "invalid_api_key", "API key is invalid")

    def _fate(self) -> str:
        """Decide what goes wrong with this call: `cut` after acceptance, or nothing; raises the rest."""
        if self.faults.script:
            return self._scripted(self.faults.script.pop(0))
        draw = self._random.random()
        if draw < self.faults.drop_rate:
            raise _dropped()
        if draw < self.faults.drop_rate + self.faults.error_rate:
            raise Refusal(500, "internal_server_error")
        return "cut" if draw > 1 - self.faults.cut_rate else ""

    def _scripted(self, fault: list[Any]) -> str:
        if fault[0] == "drop":
            raise _dropped()
        if fault[0] in ("cut", "ok"):
            return str(fault[0])
        status, name, *rest = fault
        raise Refusal(status, name, **(rest[0] if rest else {}))

    def _spend_request(self) -> dict[str, str]:
        allowed = self.faults.requests_per_second
        if not allowed:
            return {}
        second, used = self._window
        now = int(self._now())
        used = used + 1 if second == now else 1
        self._window = (now, used)
        limits = {
            "ratelimit-limit": str(allowed),
            "ratelimit-remaining": str(max(0, allowed - used)),
            "ratelimit-reset": "1",
            "ratelimit-policy": f"{allowed};w=1",
        }
        if used > allowed:
            refusal = Refusal(429, "rate_limit_exceeded", retry_after="1")
            refusal.reply.headers.update(limits)
            raise refusal
        return limits

    def _check_key(self, headers: dict[str, str]) -> str:
        key = headers.get("idempotency-key", "")
        if "idempotency-key" in headers and not 1 <= len(key) <= 256:
            raise Refusal(400, "invalid_idempotency_key")
        return key

    def _look_up(self, key: str, body: bytes) -> Reply | None:
        """Return the stored answer of a used key, or mark the key as in flight."""
        if not key:
            return None
        fingerprint = hashlib.sha256(body).hexdigest()
        known = self._keys.get(key)
        if known is None or self._now() - known.at >= KEY_LIFETIME:
            self._keys[key] = StoredAnswer(fingerprint, self._now())
            return None
        if known.fingerprint != fingerprint:
            raise Refusal(409, "invalid_idempotent_request")
        if known.reply is None:
            raise Refusal(409, "concurrent_idempotent_requests")
        return known.reply

    def _take(self, key: str, body: bytes, headers: dict[str, str], fate: str) -> Reply:
        try:
            strict = self.faults.always_strict or headers.get("x-batch-validation") != "permissive"
            mails, errors = validate_batch(body, strict=strict)
            return self._accept(key, mails, errors, fate)
        except Refusal:
            with self._lock:
                self._keys.pop(key, None)  # errors are not kept: the same key may try again
            raise

    def _accept(
        self, key: str, mails: list[dict[str, Any]], errors: list[dict[str, Any]], fate: str
    ) -> Reply:
        with self._lock:
            self._spend_quota(len(mails))
            taken = [self._enter(mail, key) for mail in mails]
            body: dict[str, Any] = {"data": [{"id": entry.id} for entry in taken]}
            if errors:
                body["errors"] = errors
            reply = Reply(200, body)
            if key:
                self._keys[key].reply = reply
        return replace(reply, cut=fate == "cut", is_fresh=True)

    def _spend_quota(self, count: int) -> None:
        if self.faults.quota is None:
            return
        if count > self.faults.quota:
            raise Refusal(429, "daily_quota_exceeded")
        self.faults.quota -= count

    def _enter(self, mail: dict[str, Any], key: str) -> Accepted:
        tags = {tag["name"]: tag["value"] for tag in mail.get("tags", [])}
        to = mail["to"] if isinstance(mail["to"], str) else mail["to"][0]
        number = f"00000000-0000-4000-8000-{len(self._accepted):012d}"
        entry = Accepted(tags.get("message", ""), to, key, number)
        self._accepted.append(entry)
        if self._ledger_file:
            self._ledger_file.write(json.dumps(asdict(entry)) + "\n")
            self._ledger_file.flush()
        return entry


def _dropped() -> Refusal:
    refusal = Refusal(500, "dropped")
    refusal.reply = Reply(500, {}, cut=True)
    return refusal


def validate_batch(body: bytes, *, strict: bool) -> tuple[list[Any], list[dict[str, Any]]]:
    """Return the good mails and the errors of the others; in strict mode one error refuses them all."""
    try:
        mails = json.loads(body)
    except ValueError:
        raise Refusal(400, "validation_error", "The body is not JSON.") from None
    if not isinstance(mails, list) or not 1 <= len(mails) <= MAX_BATCH:
        raise Refusal(422, "validation_error", f"A batch holds 1 to {MAX_BATCH} e-mails.")
    good, errors = [], []
    for index, mail in enumerate(mails):
        problem = mail_problem(mail)
        if problem is None:
            good.append(mail)
        elif strict:
            raise Refusal(422, *problem)
        else:
            errors.append({"index": index, "message": problem[1]})
    return good, errors


def mail_problem(mail: dict[str, Any]) -> tuple[str, str] | None:
    """Return the error name and message of a mail that Resend would refuse."""
    for name in ("from", "to", "subject"):
        if not mail.get(name):
            return "missing_required_field", f"Missing `{name}` field."
    if not (mail.get("html") or mail.get("text")):
        return "missing_required_field", "Missing `html` or `text` field."
    if not ADDRESS.fullmatch(mail["from"].rpartition("<")[2].removesuffix(">")):
        return "invalid_from_address", "Invalid `from` field."
    addresses = [mail["to"]] if isinstance(mail["to"], str) else mail["to"]
    if len(addresses) > 50 or not all(map(ADDRESS.fullmatch, addresses)):
        return "validation_error", "Invalid `to` field."
    for name in NOT_IN_BATCHES:
        if name in mail:
            return "validation_error", f"`{name}` is not allowed in a batch."
    for tag in mail.get("tags", []):
        if not (TAG.fullmatch(tag["name"]) and TAG.fullmatch(tag["value"])):
            return "validation_error", "Tags hold ASCII letters, digits, `_` and `-` only."
    return None
