"""Continuing uploads of earlier pages, and removing the parts of cancelled uploads from OSS."""
