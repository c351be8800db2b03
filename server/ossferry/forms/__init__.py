"""Signed HTML forms that store one file without the upload page."""
