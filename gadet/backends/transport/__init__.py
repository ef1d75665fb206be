"""Requests that survive what networks and providers do."""
