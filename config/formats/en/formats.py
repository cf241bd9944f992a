"""Dates and times as every list and timeline writes them: sortable, to the second, in the staff's zone."""

from __future__ import annotations

DATE_FORMAT = "Y-m-d"
TIME_FORMAT = "H:i:s"
DATETIME_FORMAT = "Y-m-d H:i:s"
