"""Signed HTML forms: a browser stores one file in OSS without running the upload page."""
