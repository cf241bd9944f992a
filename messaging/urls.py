"""The addresses of messaging that anybody may open."""

from __future__ import annotations

from django.urls import path

from messaging.confirmation_page import ConfirmView
from messaging.preferences import PreferenceView
from messaging.proof_page import proof_page
from messaging.views import UnsubscribeView
from messaging.webhooks.views import ResendView, TwilioInboundView, TwilioStatusView

app_name = "messaging"
urlpatterns = [
    path("u/test", proof_page),
    path("preferences/test", proof_page),
    path("u/<str:token>", UnsubscribeView.as_view(), name="unsubscribe"),
    path("confirm/<str:token>", ConfirmView.as_view(), name="confirm"),
    path("preferences/<str:token>", PreferenceView.as_view(), name="preferences"),
    path("webhooks/resend", ResendView.as_view(), name="webhook-resend"),
    path("webhooks/twilio/status", TwilioStatusView.as_view(), name="webhook-twilio-status"),
    path("webhooks/twilio/inbound", TwilioInboundView.as_view(), name="webhook-twilio-inbound"),
]
