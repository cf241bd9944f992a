"""What every endpoint shares: errors, keys and scopes, pages, repeated requests, the description."""

from __future__ import annotations
