"""Wire formats: pure functions between a prompt, bytes, and a completion."""
