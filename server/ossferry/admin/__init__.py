"""The administration page: principals with their usage, uploads, and a CSV export of uploads."""
