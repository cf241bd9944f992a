"""Blocks of text that others write: fetched from a Content API, cleaned, kept, and shown by templates."""
