"""Answers that are not asked for again: the cache, and recordings."""
