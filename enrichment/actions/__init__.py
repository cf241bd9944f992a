"""The verbs of enrichment."""
