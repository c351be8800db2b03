"""The administration page: principals, their usage, and uploads; also as CSV."""
