"""What staff read before money is spent."""

from __future__ import annotations

from enrichment.actions.enhancing import Estimate
from enrichment.pricing import in_dollars


def in_a_sentence(told: Estimate) -> str:
    """Return what asking costs, and what it may cost at most."""
    asked = "One call" if told.clients == 1 else f"{told.clients:,} calls, three at a time"
    if told.is_sandbox:
        return f"{asked} to the built-in sandbox model: it costs nothing, and what it answers is made up."
    most = f"at most {in_dollars(told.at_most)}"
    if told.probably is None:
        return f"{asked}, {most}. No call of late tells what it will probably be."
    return f"{asked}, probably {in_dollars(told.probably)}, {most}."
