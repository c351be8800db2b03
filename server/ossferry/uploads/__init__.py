"""Uploads after they arrived: receipts, lists, links, deletion, quotas and reconciliation."""
