"""Receipts: the stored files that the server lists, and the list that a person can save."""
