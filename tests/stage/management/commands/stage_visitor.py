"""`stage_visitor`: print a staff session, an API key and the newest campaign's addresses, as JSON."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.core.management.base import BaseCommand

from campaigns.models import Campaign
from core.keys import issue_key
from core.roles import Role, set_role

SCOPES = ("campaigns:read", "runs:read", "contacts:read")


class Command(BaseCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        campaign = Campaign.objects.latest("launched_at")
        assert campaign.run is not None
        _, token = issue_key("visitor", scopes=SCOPES, known_scopes=SCOPES, actor="command:stage")
        visitor = {
            "session": session(),
            "token": token,
            "pages": {
                "campaign": f"/admin/campaigns/campaign/{campaign.pk}/change/",
                "live panel": f"/admin/campaigns/campaign/{campaign.pk}/panel/",
                "campaign list": "/admin/campaigns/campaign/",
                "message list": "/admin/messaging/message/",
                "run": f"/admin/jobs/run/{campaign.run.pk}/change/",
                "API campaign": f"/api/v1/campaigns/{campaign.public_id}",
                "API run": f"/api/v1/runs/{campaign.run.public_id}",
                "API contacts": "/api/v1/contacts",
            },
        }
        self.stdout.write(json.dumps(visitor))


def session() -> str:
    user, _ = User.objects.get_or_create(username="visitor")
    set_role(user, Role.OWNER, actor="command:stage")
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)
