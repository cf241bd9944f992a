"""What is not signed by the provider, now and whole, is refused, and no row is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.test import Client
from twilio.request_validator import HMAC_SHA256

from core import clock
from jobs.database import is_postgres
from jobs.models import Run
from messaging.models import EventReader, ProviderEvent
from messaging.webhooks import twilio
from messaging.webhooks.incoming import BadWebhook
from messaging.webhooks.views import LARGEST_BODY
from tests.fakes.webhooks import (
    OLDER_SECRET,
    SECRET,
    Posted,
    inbound_sms,
    resend_event,
    signed_by_resend,
    signed_by_twilio,
    status_callback,
)

pytestmark = pytest.mark.django_db
STATUS, INBOUND = "/webhooks/twilio/status", "/webhooks/twilio/inbound"


def delivered() -> Posted:
    return signed_by_resend(resend_event("email.delivered", message="msg_1"))


def sms_delivered() -> Posted:
    return signed_by_twilio(f"{STATUS}?m=msg_1&a=1", status_callback("delivered"))


def rows() -> tuple[int, int, int]:
    return ProviderEvent.objects.count(), EventReader.objects.count(), Run.objects.count()


def assert_refused(posted: Posted, status: int) -> None:
    assert posted.send().status_code == status
    assert rows() == (0, 0, 0)


def test_a_signed_event_is_kept_as_it_came_and_one_run_started() -> None:
    posted = delivered()

    response = posted.send(Client(enforce_csrf_checks=True))

    kept = ProviderEvent.objects.get()
    assert (response.status_code, response.content) == (204, b"")
    assert (kept.source, kept.kind) == ("resend", "email.delivered")
    assert kept.body.encode() == posted.body
    assert kept.dedupe_key == posted.headers["svix-id"]
    assert kept.applied_at is None
    assert Run.objects.get().workflow == "messaging.apply_events"


def test_the_same_event_again_is_answered_alike_and_kept_once() -> None:
    posted = delivered()

    assert [posted.send().status_code for _ in range(3)] == [204, 204, 204]
    assert rows() == (1, 1, 1)


def test_while_the_reader_is_awake_keeping_an_event_is_one_insert_and_one_look(
    django_assert_num_queries: Any,
) -> None:
    delivered().send()
    second = delivered()

    with django_assert_num_queries(0 if is_postgres() else 2):  # prepared ones are not counted
        second.send()
    assert ProviderEvent.objects.count() == 2


@pytest.mark.skipif(not is_postgres(), reason="SQLite has no server that could go away")
@pytest.mark.django_db(transaction=True)
def test_the_first_webhook_after_the_database_was_restarted_is_kept_like_any_other() -> None:
    delivered().send()
    parameters = connection.get_connection_params()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    with psycopg.connect(**{**parameters, "cursor_factory": psycopg.Cursor}) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    assert delivered().send().status_code == 204
    assert ProviderEvent.objects.count() == 2


def test_letters_beyond_ascii_are_signed_and_kept() -> None:
    event = resend_event("email.delivered", subject="Grüße an Zoë 🎉")

    assert signed_by_resend(event).send().status_code == 204
    assert json.loads(ProviderEvent.objects.get().body) == event


def test_two_secrets_may_be_good_while_one_is_being_changed(settings: Any) -> None:
    settings.RESEND_WEBHOOK_SECRET = [SECRET, OLDER_SECRET]
    posted = [
        signed_by_resend(resend_event("email.sent"), secret=s) for s in (SECRET, OLDER_SECRET)
    ]

    assert [each.send().status_code for each in posted] == [204, 204]


def test_one_good_signature_among_several_is_enough() -> None:
    posted = delivered()
    several = f"v1,AAAA v2,x {posted.headers['svix-signature']}"

    assert (
        replace(posted, headers={**posted.headers, "svix-signature": several}).send().status_code
        == 204
    )


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("svix-signature", "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 401),
        ("svix-signature", "nonsense", 401),
        ("svix-signature", "v1,ü", 401),
        ("svix-signature", "", 401),
        ("svix-id", "msg_another", 401),
        ("svix-id", "", 400),
        ("svix-id", "x" * 500, 400),
        ("svix-timestamp", "1", 401),
        ("svix-timestamp", "", 401),
    ],
)
def test_a_forged_header_is_refused(header: str, value: str, status: int) -> None:
    posted = delivered()

    assert_refused(replace(posted, headers={**posted.headers, header: value}), status)


def test_a_forged_body_is_refused() -> None:
    posted = delivered()

    assert_refused(replace(posted, body=posted.body.replace(b"msg_1", b"msg_2")), 401)


def test_a_truncated_body_is_refused() -> None:
    posted = delivered()

    assert_refused(replace(posted, body=posted.body[:-20]), 401)


def test_a_body_that_ends_before_its_announced_length_is_refused() -> None:
    posted = delivered()
    wire = {"wsgi.input": BytesIO(posted.body), "CONTENT_LENGTH": str(len(posted.body) + 10)}

    response = Client().generic("POST", posted.path, headers=posted.headers, **wire)

    assert (response.status_code, response.content) == (400, b"The body is cut off.\n")
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_recording_played_again_later_is_refused(seconds: int) -> None:
    moment = clock.now() + timedelta(seconds=seconds)

    assert_refused(signed_by_resend(resend_event("email.sent"), at=moment), 400)


@pytest.mark.parametrize("seconds", [-300, 300])
def test_clocks_may_differ_by_five_minutes(seconds: int) -> None:
    with clock.travel(to=clock.now().replace(microsecond=0)):
        moment = clock.now() + timedelta(seconds=seconds)
        posted = signed_by_resend(resend_event("email.sent"), at=moment)

        assert posted.send().status_code == 204


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'"x"', b"{}", b'{"type": 7}', b'{"type": "\\u0000"}']
)
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    assert_refused(signed_by_resend(body), 400)


def test_a_body_that_nests_without_end_is_refused() -> None:
    assert_refused(signed_by_resend(b'{"type": "a", "x": ' + b"[" * 200_000), 400)


def sms_answered() -> Posted:
    return signed_by_twilio(INBOUND, inbound_sms("STOP"))


@pytest.mark.parametrize("posted", [delivered, sms_delivered, sms_answered])
@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"",
        lambda body: body[:-7],
        lambda body: body[: len(body) // 2],
        lambda body: body + b" ",
        lambda body: body.replace(b"1", b"2", 1),
        lambda body: body + b"\xff",
        lambda body: body + b"\x00",
        lambda body: body[::-1],
        lambda body: body * 2,
    ],
)
def test_what_was_changed_on_the_way_is_refused_at_every_door(
    posted: Callable[[], Posted], spoil: Callable[[bytes], bytes]
) -> None:
    whole = posted()
    spoilt = replace(whole, body=spoil(whole.body))

    assert spoilt.send().status_code in (400, 401)
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize("length", ["many", "-1", "1e3", "٣", "9" * 30])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    posted = delivered()

    response = Client().generic(
        "POST", posted.path, posted.body, headers=posted.headers, CONTENT_LENGTH=length
    )

    assert response.status_code == (413 if length.startswith("9") else 400)
    assert rows() == (0, 0, 0)


def test_more_than_a_megabyte_is_refused_unread() -> None:
    for path in ("/webhooks/resend", STATUS, INBOUND):
        assert_refused(Posted(path, b"x" * (LARGEST_BODY + 1)), 413)


def test_a_body_that_is_not_utf_8_is_refused() -> None:
    posted = delivered()
    latin = posted.body.replace(b"Spring", b"Fr\xfchling")

    assert_refused(replace(posted, body=latin), 401)
    form = sms_delivered()
    assert_refused(replace(form, body=form.body + b"&Body=\xff"), 400)
    assert_refused(replace(form, body=form.body + b"&Body=%FF"), 400)


def test_without_a_secret_nothing_is_believed(settings: Any) -> None:
    settings.RESEND_WEBHOOK_SECRET = []
    settings.TWILIO_AUTH_TOKEN = ""

    assert_refused(delivered(), 503)
    assert_refused(sms_delivered(), 503)


@pytest.mark.parametrize("path", ["/webhooks/resend", STATUS, INBOUND])
def test_only_a_post_is_taken(client: Client, path: str) -> None:
    assert client.get(path).status_code == 405


@pytest.mark.parametrize("algorithm", ["HMAC_SHA1", HMAC_SHA256])
def test_a_status_callback_is_kept_with_its_query(algorithm: str) -> None:
    posted = signed_by_twilio(
        f"{STATUS}?m=msg_1&a=2", status_callback("delivered"), algorithm=algorithm
    )

    assert posted.send().status_code == 204
    kept = ProviderEvent.objects.get()
    assert (kept.source, kept.kind, kept.query) == ("twilio", "status.delivered", "m=msg_1&a=2")
    assert kept.dedupe_key == f"SM{'a' * 32}:delivered"
    assert kept.body.encode() == posted.body


def test_a_shared_keys_secret_is_believed_beside_the_token(settings: Any) -> None:
    settings.TWILIO_WEBHOOK_SECRET = ["another"]
    posted = signed_by_twilio(
        STATUS, status_callback("sent"), token="another", algorithm=HMAC_SHA256
    )

    assert posted.send().status_code == 204


def test_a_callback_signed_with_another_token_is_refused() -> None:
    assert_refused(signed_by_twilio(STATUS, status_callback("sent"), token="guessed"), 401)


def test_a_callback_to_another_address_is_refused() -> None:
    posted = sms_delivered()

    assert_refused(replace(posted, path=f"{STATUS}?m=msg_2&a=1"), 401)


def test_an_unknown_algorithm_is_refused() -> None:
    posted = sms_delivered()
    headers = {**posted.headers, "X-Twilio-Webhooks-Signature-Settings": "key=1,algorithm=NONE"}

    assert_refused(replace(posted, headers=headers), 401)


def test_a_form_of_a_thousand_fields_is_refused() -> None:
    fields = {f"f{number}": "x" for number in range(1000)}

    assert_refused(signed_by_twilio(STATUS, fields), 400)


def test_a_callback_without_a_sid_is_refused() -> None:
    assert_refused(signed_by_twilio(STATUS, {"MessageStatus": "sent"}), 400)


def test_the_same_callback_again_is_kept_once_and_another_status_beside_it() -> None:
    for status in ("sent", "sent", "delivered"):
        assert signed_by_twilio(STATUS, status_callback(status)).send().status_code == 204

    assert list(ProviderEvent.objects.order_by("id").values_list("kind", flat=True)) == [
        "status.sent",
        "status.delivered",
    ]


def test_an_answer_is_answered_with_empty_twiml() -> None:
    response = signed_by_twilio(INBOUND, inbound_sms("Thank you")).send()

    assert (response.status_code, response["Content-Type"]) == (200, "text/xml")
    assert response.content == b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
    assert ProviderEvent.objects.get().kind == "inbound"


def test_twilios_published_vector_is_believed(settings: Any) -> None:
    """So that library and test do not merely agree with each other."""
    settings.PUBLIC_URL, settings.TWILIO_AUTH_TOKEN = "https://mycompany.com", "12345"
    number = "%2B14158675309"
    body = f"CallSid=CA1234567890ABCDE&Caller={number}&Digits=1234&From={number}&To=%2B18005551212"

    def refusal(signature: str) -> str:
        with pytest.raises(BadWebhook) as refused:
            twilio.receive_status(
                body.encode(),
                {"X-Twilio-Signature": signature},
                path="/myapp.php?foo=1&bar=2",
            )
        return str(refused.value)

    assert refusal("RSOYDt4T1cUTdK1PDd93/VVr8B8=").startswith("It has no MessageSid")
    assert refusal("RSOYDt4T1cUTdK1PDd93/VVr8B9=") == "The signature is not ours."
