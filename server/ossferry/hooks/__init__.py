"""Hooks: functions and webhooks that receive an event for each grant, upload and deletion."""

from ossferry.hooks.calls import Event

__all__ = ["Event"]
