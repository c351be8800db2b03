"""Checks that look at a file before its upload: which files they concern, and their results.

The checks themselves run in `browser.server.checks`.
"""
