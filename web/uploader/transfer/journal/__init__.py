"""Unfinished uploads that this browser remembers, and which of its tabs works on each."""
