"""What staff read before money is spent."""

from __future__ import annotations

from enrichment.actions.enhancing import Estimate
from enrichment.briefs import cost_of_brief, longest_brief
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


def what_briefs_cost() -> str:
    """Return what a brief costs whose texts nobody has written yet; raise Refused where a model has no price."""
    asked = "Each is researched by a call; two more outline and write."
    plain = cost_of_brief(longest_brief(with_texts=False))
    if plain.is_sandbox:
        return f"{asked} The built-in sandbox model answers: it costs nothing, and what it writes is made up."
    longest = cost_of_brief(longest_brief(with_texts=True))
    return (
        f"{asked} All of them cost at most {in_dollars(plain.at_most)}, and with the longest texts there can be about"
        f" the client, of style and of instructions at most {in_dollars(longest.at_most)}."
    )
