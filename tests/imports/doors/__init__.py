"""The doors of imports: the wizard, the API, the command."""

from __future__ import annotations
