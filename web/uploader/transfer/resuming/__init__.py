"""Resuming uploads of earlier pages and coordinating the open tabs."""
