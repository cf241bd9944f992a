"""The unsubscribe page: GET shows it, POST ends the subscription, without a log-in."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from core.errors import NotFound
from core.visitors import address_of
from messaging.actions.consent import resubscribe, unsubscribe
from messaging.models import Consent, ConsentState, Contact, Suppression, SuppressionReason
from messaging.unsubscribe import Subscription, read_token

POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
ACTOR = "recipient"
WORDING = "I want to receive these messages again."


@method_decorator([never_cache, csrf_exempt], name="dispatch")
class UnsubscribeView(View):
    """One person's subscription on one channel, named by a signed token.

    Mail programs post `List-Unsubscribe=One-Click` (RFC 8058) without cookies, so there is no CSRF
    token to check: the signed link is the permission.
    """

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show where the subscription stands; change nothing."""
        contact, subscription = found_by(token)
        return _page(request, token, is_ended=_is_ended(contact, subscription))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """End the subscription, or take that back; again changes nothing."""
        contact, subscription = found_by(token)
        address = address_of(request)
        if request.POST.get("action") == "resubscribe":
            resubscribe(
                contact,
                subscription.channel,
                source="page",
                actor=ACTOR,
                wording=WORDING,
                ip_address=address,
            )
        else:
            is_one_click = request.POST.get("List-Unsubscribe") == "One-Click"
            unsubscribe(
                contact,
                subscription.channel,
                source="one-click" if is_one_click else "page",
                actor=ACTOR,
                ip_address=address,
                message=subscription.message_id,
            )
        return _page(request, token, is_ended=_is_ended(contact, subscription))


def found_by(token: str) -> tuple[Contact, Subscription]:
    """Return who and what a token names; a bad one is a page that is not there, without detail."""
    try:
        subscription = read_token(token)
    except NotFound:
        raise Http404 from None
    contact = Contact.objects.filter(pk=subscription.contact).first()
    if contact is None:
        raise Http404
    return contact, subscription


def _is_ended(contact: Contact, subscription: Subscription) -> bool:
    channel = subscription.channel
    withdrawn = Consent.objects.filter(
        contact=contact, channel=channel, state=ConsentState.WITHDRAWN
    )
    suppressed = Suppression.objects.filter(
        channel=channel,
        address_hash=contact.address_hash_for(channel),
        reason=SuppressionReason.UNSUBSCRIBED,
    )
    return withdrawn.exists() or suppressed.exists()


def _page(request: HttpRequest, token: str, *, is_ended: bool) -> HttpResponse:
    context = {"is_ended": is_ended, "token": token}
    return sealed(render(request, "messaging/unsubscribe.html", context))


def sealed(response: HttpResponse) -> HttpResponse:
    """Keep a person's page from indexes and from anything foreign."""
    response["Content-Security-Policy"] = POLICY
    response["X-Robots-Tag"] = "noindex, nofollow"
    response["Referrer-Policy"] = "no-referrer"
    return response
