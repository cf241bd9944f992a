"""What a call costs, and the most that it can cost. Arithmetic only, in whole micro-dollars, rounded up.

A price of 1 US dollar per million tokens is one micro-dollar per token.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Protocol

MICROS = 1_000_000
CENT = 10_000
#: What a server adds to a request around its texts: roles, separators, the frame of the schema.
FRAME_TOKENS = 200
#: An answer that was cut off is asked for once more with so many times the room.
MORE_ROOM = 2
#: What is said about an answer that has to be mended, in four bytes a letter.
MEND_TOKENS = 2_500
#: No call has more; what a server tells beyond is no count.
MOST_TOKENS = 100_000_000


class Price(Protocol):
    """US dollars per million tokens."""

    input_price: Decimal
    cached_price: Decimal
    output_price: Decimal


@dataclass(frozen=True)
class Usage:
    """The tokens of a call: cached ones are among the input, reasoning ones among the output."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0

    @classmethod
    def of(cls, response: Mapping[str, Any]) -> Usage:
        """Read the usage of a chat completion; what is missing or no number counts as zero."""
        told = _mapping(response.get("usage"))
        input, output = _count(told, "prompt_tokens"), _count(told, "completion_tokens")
        cached = _count(_mapping(told.get("prompt_tokens_details")), "cached_tokens")
        thought = _count(_mapping(told.get("completion_tokens_details")), "reasoning_tokens")
        return cls(input, min(cached, input), output, min(thought, output))

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.cached + other.cached,
            self.output + other.output,
            self.reasoning + other.reasoning,
        )


def cost_of(usage: Usage, price: Price | None) -> int:
    """Return what these tokens cost; nothing where there is no price, which is the sandbox's."""
    if price is None:
        return 0
    exact = (
        (usage.input - usage.cached) * Decimal(price.input_price)
        + usage.cached * Decimal(price.cached_price)
        + usage.output * Decimal(price.output_price)
    )
    return _up(exact)


def most_for(request: Mapping[str, Any], price: Price | None) -> int:
    """Return the most that a request can cost: no token is shorter than one byte of what is sent."""
    if price is None:
        return 0
    return _most(_tokens_in(request), int(request["max_completion_tokens"]), price)


def most_with_mending(
    request: Mapping[str, Any], price: Price | None, *, earlier_tokens: int = 0
) -> int:
    """Return the most that a question can cost in all: asked, cut off and asked with more room, then mended once.

    `earlier_tokens` are those of answers that are still to come, and that it will tell besides.
    """
    if price is None:
        return 0
    asked, longest = _tokens_in(request) + earlier_tokens, int(request["max_completion_tokens"])
    longer = longest * MORE_ROOM
    return (
        _most(asked, longest, price)
        + _most(asked, longer, price)
        + _most(asked + longer + MEND_TOKENS, longest, price)
    )


def _tokens_in(request: Mapping[str, Any]) -> int:
    return len(json.dumps(request, ensure_ascii=False).encode()) + FRAME_TOKENS


def _most(asked: int, answered: int, price: Price) -> int:
    dearer = max(Decimal(price.input_price), Decimal(price.cached_price))
    return _up(asked * dearer + answered * Decimal(price.output_price))


def micros_of(dollars: Decimal) -> int:
    """Return dollars as whole micro-dollars; what is smaller is rounded up."""
    return _up(dollars * MICROS)


def in_dollars(micros: int) -> str:
    """Return an amount as people write it: `$1.20`, or `$0.0042` where cents would hide it."""
    amount = Decimal(micros) / MICROS
    if micros and abs(micros) < 100 * CENT and micros % CENT:
        return f"${amount.quantize(Decimal('0.0001'), rounding=ROUND_CEILING)}"
    return f"${amount:,.2f}"


def _up(exact: Decimal) -> int:
    return int(exact.to_integral_value(rounding=ROUND_CEILING))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _count(told: Mapping[str, Any], name: str) -> int:
    value = told.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return min(max(value, 0), MOST_TOKENS)
