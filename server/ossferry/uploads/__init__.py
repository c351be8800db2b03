"""Endpoints and services for uploads: receipts, lists, links, deletion, quotas, reconciliation."""
