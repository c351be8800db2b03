"""Principals, and the key prefixes that belong to them."""
