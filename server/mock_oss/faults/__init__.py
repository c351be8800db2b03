"""Planned faults: selection of the affected requests, and the effects on these requests."""
