"""What is asked when queries and briefs are written."""

from __future__ import annotations

from enrichment.prompts import Shipped
from enrichment.schemas import TEXT, listing, record
from enrichment.states import Intent

MOST_QUERIES = 80

QUERIES = Shipped(
    name="search-queries",
    description="The questions people search with, for a keyword.",
    text="""
You know how people search. For the keyword in the data write the questions that people really type or say, as many for
each of the intents as "count" says, in the language of the keyword. Each is complete, natural, and different from the
others. Do not name the company unless the intent is navigational.
""".strip(),
    schema=record(
        {
            "queries": listing(
                record({"intent": {"type": "string", "enum": Intent.values}, "text": TEXT}),
                most=MOST_QUERIES,
            )
        }
    ),
    max_tokens=4_000,
    params={"temperature": 0.8},
)
RESEARCH = Shipped(
    name="brief-research",
    description="How a text is found on one platform.",
    text="""
You prepare a text that should be found on the platform in the data. Say what people ask there about the subject, what
an answer that is shown or cited there has in common with others, and which facts the text must contain so that it is.
""".strip(),
    schema=record(
        {
            "questions": listing(TEXT, most=10),
            "what_is_cited": listing(TEXT, most=10),
            "must_contain": listing(TEXT, most=10),
        }
    ),
    max_tokens=3_000,
)
OUTLINE = Shipped(
    name="brief-outline",
    description="The outline of a text, from the research.",
    text="""
You outline a text for its writer. From the subject, the audience and the research in the data make the sections in
their order: a heading each, and the points that it makes.
""".strip(),
    schema=record(
        {"sections": listing(record({"heading": TEXT, "points": listing(TEXT, most=8)}), most=12)}
    ),
    max_tokens=3_000,
)
WRITE = Shipped(
    name="brief-write",
    description="The brief for the writer, from outline and research.",
    text="""
You write the brief that a writer works from. From the outline and the research in the data say, in Markdown: what the
text is for and for whom, its voice, each section with its points and the questions that it answers, the keywords where
they belong, and what to check before it is published. Follow the style guide and the custom instructions of the data
as far as they are about style and content.
""".strip(),
    schema=record({"brief": TEXT}),
    max_tokens=6_000,
)
