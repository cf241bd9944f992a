"""The addresses of messaging that anybody may open."""

from __future__ import annotations

from django.urls import path

from messaging.views import UnsubscribeView

app_name = "messaging"
urlpatterns = [path("u/<str:token>", UnsubscribeView.as_view(), name="unsubscribe")]
