"""Checks of files before their upload: what the page needs for them, and running them here."""
