"""Zoom: who enrolls is registered with the meeting, and what Zoom tells of a meeting becomes attendance."""

from __future__ import annotations
