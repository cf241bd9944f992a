"""The addresses of funnels that anybody may call."""

from __future__ import annotations

from django.urls import path

from funnels.zoom.door import ZoomView

app_name = "funnels"
urlpatterns = [path("webhooks/zoom", ZoomView.as_view(), name="webhook-zoom")]
