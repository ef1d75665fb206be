"""Training-free evidence: experts that measure an item without a language model."""
