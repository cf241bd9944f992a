"""Hides what staff have no use for: Django-Q2's own tables. Our runs tell the whole story.

This app comes last in INSTALLED_APPS, so everything has been registered when this is read.
"""

from __future__ import annotations

from django.contrib import admin

for model in [model for model in admin.site._registry if model._meta.app_label == "django_q"]:
    admin.site.unregister(model)
