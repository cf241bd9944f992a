"""What templates are rendered from in these tests: everything known, and next to nothing."""

from __future__ import annotations

from typing import Any

FULL: dict[str, Any] = {
    "contact": {
        "first_name": "Thandi",
        "last_name": "Nkosi",
        "email": "thandi@example.com",
        "phone": "+27825550134",
        "time_zone": "Africa/Johannesburg",
        "attributes": {},
    },
    "campaign": {"name": "Spring"},
    "data": {"keep_url": "https://example.com/keep", "offer_url": "https://example.com/offer"},
    "event": {
        "title": "Fundraising for small teams",
        "start_at": "2027-03-02T15:00:00Z",
        "join_url": "https://example.com/join/8f2c",
        "recording_url": "https://example.com/recording",
        "next_url": "https://example.com/dates",
        "resources": [{"title": "The slides", "url": "https://example.com/slides"}],
    },
    "sender": {
        "name": "Harbour School",
        "email": "hello@example.com",
        "postal_address": "12 Long Street, Cape Town",
    },
    "unsubscribe_url": "https://mail.example.com/u/abc",
    "preferences_url": "https://mail.example.com/preferences/abc",
    "content": {},
}
BARE: dict[str, Any] = {
    **FULL,
    "contact": {
        **dict.fromkeys(("first_name", "last_name", "phone", "time_zone"), ""),
        "email": "thandi@example.com",
        "attributes": {},
    },
    "data": {},
    "event": {},
    "sender": {**FULL["sender"], "postal_address": ""},
}
