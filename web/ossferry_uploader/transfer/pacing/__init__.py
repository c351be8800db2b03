"""Decide how many requests are sent at a time, how fast, and when failed requests are repeated."""
