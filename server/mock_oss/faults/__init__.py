"""Planned faults: which requests they apply to, and what they do."""
