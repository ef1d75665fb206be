"""Adapters: from whatever the caller has to samples, and from samples to views."""
