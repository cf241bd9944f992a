"""The tag by which a template shows a block: `{% external "spring-offer" %}fallback{% endexternal %}`.

What stands inside is shown while there is no good copy. In HTML the tag gives the cleaned HTML of the
block, in plain text its text; neither is read as Liquid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TextIO

from liquid import BoundTemplate, Node
from liquid.ast import BlockNode
from liquid.builtin.expressions import StringLiteral, parse_primitive
from liquid.exceptions import LiquidSyntaxError
from liquid.parser import get_parser
from liquid.tag import Tag
from liquid.token import TOKEN_EOF, TOKEN_TAG

SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,79}")
END = frozenset({"endexternal", TOKEN_EOF})


class Block(NamedTuple):
    """A block as messages show it."""

    html: str
    text: str


class ExternalNode(Node):
    """One place where a block is shown."""

    def __init__(self, token: Any, *, slug: str, fallback: BlockNode) -> None:
        super().__init__(token)
        self.slug = slug
        self.fallback = fallback
        self.blank = False

    def __str__(self) -> str:
        return f'{{% external "{self.slug}" %}}{self.fallback}{{% endexternal %}}'

    def render_to_output(self, context: Any, buffer: TextIO) -> int:
        block = context.resolve("content", default={}).get(self.slug)
        if block is None:
            return self.fallback.render(context, buffer)
        return buffer.write(block.html if context.autoescape else block.text)

    def children(self, static_context: Any, *, include_partials: bool = True) -> Iterable[Node]:
        return [self.fallback]


class ExternalTag(Tag):
    """Reads `{% external "slug" %}…{% endexternal %}`."""

    name = "external"
    end = "endexternal"

    def parse(self, stream: Any) -> ExternalNode:
        token = stream.eat(TOKEN_TAG)
        words = stream.into_inner(tag=token)
        slug = parse_primitive(self.env, words)
        words.expect_eos()
        if not isinstance(slug, StringLiteral) or not SLUG.fullmatch(slug.value):
            raise LiquidSyntaxError(
                'external takes the name of a block in quotes, such as {% external "spring-offer" %}: '
                "small letters, digits, '.', '_' and '-'",
                token=token,
            )
        fallback = get_parser(self.env).parse_block(stream, END)
        stream.expect(TOKEN_TAG, value="endexternal")
        return ExternalNode(token, slug=slug.value, fallback=fallback)


def slugs_in(template: BoundTemplate) -> set[str]:
    """Return the names of the blocks that a template shows."""
    context: Any = None  # only tags that load other templates look at it, and there are none
    pending: list[Node] = list(template.nodes)
    return {node.slug for node in _walk(pending, context) if isinstance(node, ExternalNode)}


def _walk(pending: list[Node], context: Any) -> Iterator[Node]:
    while pending:
        node = pending.pop()
        yield node
        pending += node.children(context)
