"""The doors for providers: check, keep, answer. The work is done afterwards, by the reader."""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from messaging.webhooks import resend, twilio
from messaging.webhooks.incoming import BadWebhook, Incoming
from messaging.webhooks.keeping import keep

log = logging.getLogger(__name__)

LARGEST_BODY = 1_000_000
EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'


@method_decorator(csrf_exempt, name="dispatch")
class WebhookView(View):
    """One provider's door. Its signature is the permission; what is not signed is not kept."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Keep a webhook; a refused one changes nothing and is told why."""
        try:
            incoming = self.receive(request, raw_body(request))
        except BadWebhook as bad:
            log.warning("webhook to %s refused: %s", request.path, bad)
            return HttpResponse(f"{bad}\n", status=bad.status, content_type="text/plain")
        return self.take(incoming)

    def receive(self, request: HttpRequest, body: bytes) -> Incoming:
        raise NotImplementedError

    def take(self, incoming: Incoming) -> HttpResponse:
        """Keep what was checked, and answer."""
        keep(incoming)
        return self.answer()

    def answer(self) -> HttpResponse:
        return HttpResponse(status=HTTPStatus.NO_CONTENT)


class ResendView(WebhookView):
    """What becomes of e-mails."""

    def receive(self, request: HttpRequest, body: bytes) -> Incoming:
        return resend.receive(body, request.headers)


class TwilioStatusView(WebhookView):
    """What becomes of SMS."""

    def receive(self, request: HttpRequest, body: bytes) -> Incoming:
        return twilio.receive_status(body, request.headers, path=request.get_full_path())


class TwilioInboundView(WebhookView):
    """What people answer to SMS. Twilio itself replies to STOP and HELP, so we say nothing."""

    def receive(self, request: HttpRequest, body: bytes) -> Incoming:
        return twilio.receive_inbound(body, request.headers, path=request.get_full_path())

    def answer(self) -> HttpResponse:
        return HttpResponse(EMPTY_TWIML, content_type="text/xml")


def raw_body(request: HttpRequest) -> bytes:
    """Return the body as it came; raise BadWebhook for one that is too large or cut off."""
    announced = _announced(request.headers.get("Content-Length") or "0")
    if announced > LARGEST_BODY:
        raise BadWebhook(f"The body has more than {LARGEST_BODY:,} bytes.", status=413)
    try:
        body = request.body
    except (UnreadablePostError, RequestDataTooBig):
        raise BadWebhook("The body could not be read.") from None
    if len(body) < announced:
        raise BadWebhook("The body is cut off.")
    return body


def _announced(length: str) -> int:
    if not (length.isascii() and length.isdecimal()):
        raise BadWebhook("Its length is no number.")
    return int(length[:20])
