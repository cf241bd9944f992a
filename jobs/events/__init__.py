"""Events: named facts that start runs, wake those that wait for them, and cancel those that they make pointless.

Nothing is lost when an event comes before the wait for it, or at the same moment. Both sides take the lock of the
event's name, write, and then look at what the other side has written (`jobs.events.names`).
"""

from __future__ import annotations
