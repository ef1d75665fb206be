"""Dialects of JSON Schema: one schema of the answer, written so that each provider accepts it."""
