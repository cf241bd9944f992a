"""The addresses of enrichment that anybody may open."""

from __future__ import annotations

from django.urls import path

from enrichment.password_page import PasswordIsSetView, SetPasswordView

app_name = "enrichment"
urlpatterns = [
    path("set-password/done", PasswordIsSetView.as_view(), name="password-is-set"),
    path("set-password/<uidb64>/<token>", SetPasswordView.as_view(), name="set-password"),
]
