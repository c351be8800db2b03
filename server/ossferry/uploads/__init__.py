"""Uploads after OSS has stored them: receipts, lists, links, deletion, quotas, reconciliation."""
