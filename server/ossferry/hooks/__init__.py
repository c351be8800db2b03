"""Hooks: application functions and webhooks that are called for each grant, upload and deletion."""

from ossferry.hooks.calls import Event

__all__ = ["Event"]
