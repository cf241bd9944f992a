"""What Twilio does with a request, without HTTP: numbers, limits, faults, and the messages it has taken.

It has no idempotency keys: the same request twice is two messages, as with the real one.
"""

from __future__ import annotations

import base64
import random
import re
import threading
import time
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.fakes.serving import Reply

E164 = re.compile(r"\+[1-9]\d{6,14}")
MAX_BODY = 1_600
SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
DOCS = "https://www.twilio.com/docs/errors"


@dataclass(frozen=True)
class Taken:
    """One SMS that Twilio took; `message` and `attempt` come from its StatusCallback."""

    sid: str
    to: str
    sender: str
    body: str
    message: str
    attempt: str
    created: float


@dataclass
class Faults:
    """How the server misbehaves. Rates are shares of sends between 0 and 1, drawn from the seed."""

    cut_rate: float = 0.0  #: taken, then the connection is cut before the answer
    drop_rate: float = 0.0  #: the connection is cut and nothing was taken
    error_rate: float = 0.0  #: 500, nothing taken
    late_error_rate: float = 0.0  #: taken, and then 500
    slow_seconds: float = 0.0  #: every answer to a send takes this long
    hidden_seconds: float = 0.0  #: a message is listed only after so long
    #: Answers to the next sends, in order: `[status, code]`, `["cut"]`, `["drop"]`, `["late", status]`,
    #: `["hang", seconds]` (taken, answered too late), `["nonsense"]` (taken, answered with what is no JSON).
    script: list[list[Any]] = field(default_factory=list)
    #: The same for look-ups: `[status, code]` or `["drop"]`.
    look_ups: list[list[Any]] = field(default_factory=list)
    #: The same for questions about one message.
    questions: list[list[Any]] = field(default_factory=list)


class Refusal(Exception):
    """A request is answered with an error of Twilio's form."""

    def __init__(self, status: int, code: int, message: str = "", **headers: str) -> None:
        super().__init__(code)
        body = {
            "code": code,
            "message": message or f"Error {code}",
            "more_info": f"{DOCS}/{code}",
            "status": status,
        }
        self.reply = Reply(status, body, {k.replace("_", "-"): v for k, v in headers.items()})


class TwilioAccount:
    """One account. Thread-safe; every decision under one lock, slow answers outside it."""

    def __init__(self, *, seed: int = 7) -> None:
        self.sid = "AC" + "0123456789abcdef" * 2
        self.token = "twilio-test-token"
        self.faults = Faults()
        self.opted_out: set[str] = set()
        self.calls = 0
        self.look_ups = 0
        self.questions = 0
        self._states: dict[str, tuple[str, int | None, float]] = {}
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._offset = 0.0
        self._taken: list[Taken] = []

    # --- what tests read and change ---------------------------------------------------------------

    @property
    def taken(self) -> list[Taken]:
        with self._lock:
            return list(self._taken)

    def misbehave(self, **changes: Any) -> None:
        """Change some faults; the others stay as they are."""
        unknown = set(changes) - {f.name for f in fields(Faults)}
        if unknown:
            raise ValueError(f"no such fault: {', '.join(sorted(unknown))}")
        with self._lock:
            for name, value in changes.items():
                setattr(self.faults, name, value)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._offset += seconds

    def bring(self, sid: str, status: str, *, error: int | None = None) -> None:
        """Let a message come to a status, now."""
        with self._lock:
            self._states[sid] = (status, error, self._now())

    # --- the calls --------------------------------------------------------------------------------

    def send(self, account: str, form: dict[str, str], headers: dict[str, str]) -> Reply:
        """Answer `POST /2010-04-01/Accounts/{Sid}/Messages.json`."""
        try:
            with self._lock:
                self.calls += 1
                self._check_authorization(account, headers)
                fate, detail = self._fate()
                check_form(form)
                if form["To"] in self.opted_out:
                    raise Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
                taken = self._enter(form)
            if self.faults.slow_seconds:
                time.sleep(self.faults.slow_seconds)
            return self._answer(taken, fate, detail)
        except Refusal as refusal:
            return refusal.reply

    def list(self, account: str, query: dict[str, str], headers: dict[str, str]) -> Reply:
        """Answer `GET …/Messages.json`: the newest first, in pages."""
        try:
            with self._lock:
                self.look_ups += 1
                self._check_authorization(account, headers)
                if self.faults.look_ups:
                    raise _scripted(self.faults.look_ups.pop(0))
                return self._page(query)
        except Refusal as refusal:
            return refusal.reply

    def read(self, account: str, sid: str, headers: dict[str, str]) -> Reply:
        """Answer `GET …/Messages/{Sid}.json`."""
        try:
            with self._lock:
                self.questions += 1
                self._check_authorization(account, headers)
                if self.faults.questions:
                    raise _scripted(self.faults.questions.pop(0))
                found = [taken for taken in self._taken if taken.sid == sid]
                if not found:
                    raise Refusal(404, 20404, "The requested resource was not found")
                return Reply(200, self._resource(found[0]))
        except Refusal as refusal:
            return refusal.reply

    def _now(self) -> float:
        return time.time() + self._offset

    def _check_authorization(self, account: str, headers: dict[str, str]) -> None:
        given = headers.get("authorization", "").partition(" ")[2]
        expected = base64.b64encode(f"{self.sid}:{self.token}".encode()).decode()
        if given != expected:
            raise Refusal(401, 20003, "Authenticate")
        if account != self.sid:
            raise Refusal(404, 20404, "The requested resource was not found")

    def _fate(self) -> tuple[str, Any]:
        """Decide what goes wrong with this send once it is taken; raises where nothing is taken."""
        if self.faults.script:
            first, *rest = self.faults.script.pop(0)
            if first in ("cut", "late", "hang", "nonsense", "ok"):
                return first, rest[0] if rest else None
            raise _scripted([first, *rest])
        draw, faults = self._random.random(), self.faults
        if draw < faults.drop_rate:
            raise _scripted(["drop"])
        if draw < faults.drop_rate + faults.error_rate:
            raise _scripted([500, 20500])
        if draw > 1 - faults.cut_rate:
            return "cut", None
        return ("late", 500) if draw > 1 - faults.cut_rate - faults.late_error_rate else ("", None)

    def _enter(self, form: dict[str, str]) -> Taken:
        query = parse_qs(urlsplit(form.get("StatusCallback", "")).query)
        taken = Taken(
            sid=f"SM{len(self._taken) + 1:032x}",
            to=form["To"],
            sender=form.get("From") or form["MessagingServiceSid"],
            body=form["Body"],
            message=query.get("m", [""])[0],
            attempt=query.get("a", [""])[0],
            created=self._now(),
        )
        self._taken.append(taken)
        return taken

    def _answer(self, taken: Taken, fate: str, detail: Any) -> Reply:
        if fate == "late":
            return _scripted([detail, 20500]).reply
        if fate == "hang":
            time.sleep(detail)
        raw = b"<html>Bad gateway" if fate == "nonsense" else None
        body = self._resource(taken)
        return Reply(201, body, cut=fate in ("cut", "hang"), is_fresh=True, raw=raw)

    def _page(self, query: dict[str, str]) -> Reply:
        shown = [
            taken
            for taken in reversed(self._taken)
            if query.get("To", taken.to) == taken.to
            and query.get("From", taken.sender) == taken.sender
            and self._now() - taken.created >= self.faults.hidden_seconds
        ]
        size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
        there = shown[page * size : (page + 1) * size]
        has_more = len(shown) > (page + 1) * size
        path = f"/2010-04-01/Accounts/{self.sid}/Messages.json"
        following = urlencode({**query, "PageSize": size, "Page": page + 1})
        return Reply(
            200,
            {
                "messages": [self._resource(taken) for taken in there],
                "page": page,
                "page_size": size,
                "start": page * size,
                "end": page * size + len(there) - 1,
                "uri": path,
                "first_page_uri": path,
                "previous_page_uri": None,
                "next_page_uri": f"{path}?{following}" if has_more else None,
            },
        )

    def _resource(self, taken: Taken) -> dict[str, Any]:
        is_service = SERVICE.fullmatch(taken.sender) is not None
        new = ("accepted" if is_service else "queued", None, taken.created)
        status, error, updated = self._states.get(taken.sid, new)
        path = f"/2010-04-01/Accounts/{self.sid}/Messages/{taken.sid}"
        return {
            "account_sid": self.sid,
            "api_version": "2010-04-01",
            "body": taken.body,
            "date_created": _moment(taken.created),
            "date_sent": None,
            "date_updated": _moment(updated),
            "direction": "outbound-api",
            "error_code": error,
            "error_message": None,
            "from": None if is_service else taken.sender,
            "messaging_service_sid": taken.sender if is_service else None,
            "num_media": "0",
            "num_segments": "0" if is_service else "1",
            "price": None,
            "price_unit": "USD",
            "sid": taken.sid,
            "status": status,
            "subresource_uris": {"media": f"{path}/Media.json"},
            "to": taken.to,
            "uri": f"{path}.json",
        }


def _moment(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))


def _scripted(fault: list[Any]) -> Refusal:
    if fault[0] == "drop":
        refusal = Refusal(500, 20500)
        refusal.reply = Reply(500, {}, cut=True)
        return refusal
    status, code, *rest = fault
    return Refusal(status, code, **(rest[0] if rest else {}))


def check_form(form: dict[str, str]) -> None:
    """Raise what Twilio answers to a request that it cannot work on."""
    if "To" not in form:
        raise Refusal(400, 21604, "A 'To' phone number is required.")
    if not E164.fullmatch(form["To"]):
        raise Refusal(400, 21211, f"Invalid 'To' Phone Number: {form['To'][:6]}XXXX")
    if not (form.get("From") or form.get("MessagingServiceSid")):
        raise Refusal(400, 21603, "A 'From' phone number is required.")
    if not form.get("Body"):
        raise Refusal(400, 21602, "Message body is required.")
    if len(form["Body"]) > MAX_BODY:
        raise Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit.")
    callback = form.get("StatusCallback")
    if callback and "_" in (urlsplit(callback).hostname or "_"):
        raise Refusal(400, 21609, "The 'StatusCallback' URL is not a valid URL.")
