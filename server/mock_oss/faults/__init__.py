"""Faults that tests plan: selection of the affected requests, and effects on these requests."""
