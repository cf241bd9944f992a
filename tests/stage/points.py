"""The points of `stage.three_steps` at which its process can die."""

from __future__ import annotations

#: Where a process can die. `mid` is after the effect and before its checkpoint.
POINTS = [
    "before first",
    "mid first",
    "after first",
    "mid database",
    "after database",
    "mid last",
    "after last",
]
