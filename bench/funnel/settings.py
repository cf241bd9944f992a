"""Settings of the bench's processes: the stage's, under a clock that the bench moves.

The clock is put in place before any app is loaded, so that whoever takes `now` by name takes this one.
"""

from __future__ import annotations

from bench.funnel.moving_clock import shared_clock
from core import clock

clock.now = shared_clock().now

from tests.stage.settings import *  # noqa: E402, F403
