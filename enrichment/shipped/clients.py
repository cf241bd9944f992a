"""What is asked about a client."""

from __future__ import annotations

from enrichment.profile import FIELDS, MOST_COMPETITORS, MOST_ENTRIES
from enrichment.prompts import Shipped
from enrichment.schemas import SHARE, TEXT, listing, record

ENHANCE = Shipped(
    name="clients-enhance",
    description="What a client does, for whom, and whom it competes with.",
    text="""
You describe companies for people who will work for them. Say what the company in the data is: its industry, business
model, audience, products, regions, voice, the problems it solves, the terms and the rules of its trade, and its closest
competitors with their web domains.

Use plain words in the language of the data, no advertising. Leave a text empty and a list without entries where you do
not know: a guess does harm. In "confidence" say for each field how sure you are, from 0 (no idea) to 1 (it is written
there).
""".strip(),
    schema=record(
        {
            **{
                name: listing(TEXT, most=MOST_ENTRIES) if field.is_list else TEXT
                for name, field in FIELDS.items()
            },
            "competitors": listing(record({"name": TEXT, "domain": TEXT}), most=MOST_COMPETITORS),
            "confidence": record(dict.fromkeys((*FIELDS, "competitors"), SHARE)),
        }
    ),
    max_tokens=2_000,
)
