"""A storm of webhooks: in random order, with repetitions, several at a time; and what must stand afterwards."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPConnection
from statistics import quantiles
from urllib.parse import urlsplit

from core import clock
from messaging.life import Happening, Life, Stage
from tests.crash.theatre import Theatre
from tests.fakes.webhooks import SECRET, Posted, bounce, resend_event, signed_by_resend

AT_A_TIME = 4
#: One in so many webhooks is sent a second time.
REPEATED = 6
#: What can happen to a mail, and how often of a hundred.
FATES: tuple[tuple[int, tuple[Stage, ...]], ...] = (
    (50, (Stage.SENT, Stage.DELIVERED, Stage.OPENED, Stage.OPENED, Stage.CLICKED)),
    (44, (Stage.SENT, Stage.DELIVERED, Stage.OPENED, Stage.CLICKED, Stage.CLICKED)),
    (4, (Stage.SENT, Stage.BOUNCED)),
    (2, (Stage.SENT, Stage.DELIVERED, Stage.OPENED, Stage.COMPLAINED)),
)


@dataclass(frozen=True)
class Mail:
    """A message that was sent."""

    number: int
    public_id: str
    address: str


@dataclass
class Storm:
    """The requests, and the lives that they tell of."""

    requests: list[Posted] = field(default_factory=list)
    lives: dict[int, Life] = field(default_factory=dict)
    distinct: int = 0

    @property
    def counts(self) -> Counter[str]:
        """How many messages reach each stage that is counted."""
        return Counter(stage.value for life in self.lives.values() for stage in life.moments)


def gather(mails: Sequence[Mail], *, count: int, seed: int = 7) -> Storm:
    """Return so many signed webhooks about these mails, one in six of them a repetition, shuffled."""
    rng = random.Random(seed)
    storm = Storm()
    base = clock.now().replace(microsecond=0) - timedelta(hours=3)
    told = [(mail, one) for mail in mails for one in fate(rng, base)]
    rng.shuffle(told)
    told = told[: count - count // REPEATED]
    for mail, happening in told:
        life = storm.lives.get(mail.number, Life())
        storm.lives[mail.number] = life.after([happening])
        storm.requests.append(webhook(mail, happening))
    storm.distinct = len(storm.requests)
    storm.requests += rng.choices(storm.requests, k=count - storm.distinct)
    rng.shuffle(storm.requests)
    return storm


def together(storms: Iterable[Storm]) -> Storm:
    """Return storms about different mails as one."""
    whole = Storm()
    for storm in storms:
        whole.lives |= storm.lives
        whole.distinct += storm.distinct
    return whole


def fate(rng: random.Random, base: datetime) -> list[Happening]:
    stages = rng.choices([stages for _, stages in FATES], [share for share, _ in FATES])[0]
    return [
        Happening(
            stage,
            base + timedelta(minutes=30 * number, seconds=rng.randrange(1800)),
            "Permanent, General" if stage is Stage.BOUNCED else "",
        )
        for number, stage in enumerate(stages)
    ]


def webhook(mail: Mail, happening: Happening) -> Posted:
    parts = {"bounce": bounce()} if happening.stage is Stage.BOUNCED else {}
    event = resend_event(
        f"email.{happening.stage.value}",
        message=mail.public_id,
        to=mail.address,
        created_at=happening.at,
        **parts,
    )
    return signed_by_resend(event, secret=SECRET)


def post(url: str, requests: Iterable[Posted], *, at_a_time: int = AT_A_TIME) -> list[float]:
    """Send everything, so many at a time over kept connections; return how long each took. All must be taken."""
    waiting = iter(list(requests))
    lock = threading.Lock()
    seconds: list[float] = []
    refused: list[int] = []

    def send() -> None:
        with closing(HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
            while (posted := next_of(waiting, lock)) is not None:
                start = time.perf_counter()
                headers = {**posted.headers, "content-type": posted.content_type}
                connection.request("POST", posted.path, posted.body, headers)
                answer = connection.getresponse()
                answer.read()
                seconds.append(time.perf_counter() - start)
                if answer.status != 204:
                    refused.append(answer.status)

    threads = [threading.Thread(target=send) for _ in range(at_a_time)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if refused:
        raise SystemExit(f"{len(refused)} webhooks were refused: {Counter(refused)}")
    return seconds


def next_of(waiting: Iterable[Posted], lock: threading.Lock) -> Posted | None:
    with lock:
        return next(waiting, None)  # type: ignore[call-overload]


def p95(seconds: Sequence[float]) -> float:
    return quantiles(seconds, n=20)[18]


def mails_of(theatre: Theatre, *, limit: int) -> list[Mail]:
    """Return messages that were sent."""
    text = theatre.manage("stage_mails", str(limit))
    return [Mail(**mail) for mail in json.loads(text)]


def wait_until_applied(theatre: Theatre, *, seconds: float) -> float:
    """Wait for the reader; return how long it took after the last answer."""
    return theatre.wait_for(
        lambda: (
            theatre.rows("SELECT count(*) FROM messaging_providerevent WHERE applied_at IS NULL")
            == [(0,)]
        ),
        seconds=seconds,
        what="every event is applied",
    )


def differences(theatre: Theatre, storm: Storm) -> list[str]:
    """Return what does not stand as it was told: events, lives, counts, closed addresses."""
    outcome = json.loads(theatre.manage("stage_lives"))
    lives = {number: outcome["lives"].get(str(number)) for number in storm.lives}
    wrong = [n for n, life in storm.lives.items() if lives[n] != as_stage_lives_tells(life)]
    bounced, complained = storm.counts["bounced"], storm.counts["complained"]
    expected = {
        "events": (outcome["events"], storm.distinct),
        "lives that differ": (len(wrong), 0),
        "lives told": (len(outcome["lives"]), len(storm.lives)),
        "counts": (outcome["counts"], dict(storm.counts)),
        "closed addresses": (outcome["suppressions"], bounced + complained),
    }
    return [f"{what}: {is_} for {want}" for what, (is_, want) in expected.items() if is_ != want]


def as_stage_lives_tells(life: Life) -> list[object]:
    moments = {stage.value: at.isoformat() for stage, at in life.moments.items()}
    return [life.delivery, life.trouble, moments]
