"""Keeps the secrets of API keys out of the log, wherever they come from: a path, an error, an argument."""

from __future__ import annotations

import logging
import re

TOKEN = re.compile(r"(key_live_[0-9a-f]{8}_)[\w-]+")


class SecretsHidden(logging.Filter):
    """Leaves of a token what names the key, and no more."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        hidden = TOKEN.sub(r"\1…", text)
        if hidden != text:
            record.msg, record.args = hidden, ()
        return True
