"""Talking to models: everything that turns a `Prompt` into a `Completion`."""
