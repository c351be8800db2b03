"""Continuing uploads of earlier pages, and removing what cancelled uploads left in OSS."""
