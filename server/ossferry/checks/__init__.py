"""Checks: Python functions that look at files before the upload, in the page or on this machine."""
