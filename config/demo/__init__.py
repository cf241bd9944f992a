"""`make demo`: a whole campaign on this machine, with a killed worker on the way, in under a minute."""

from __future__ import annotations
