"""Receipts of stored objects: what the server lists, and what a person saves."""
