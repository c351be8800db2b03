"""Uploads after their arrival in OSS: receipts, lists, links, deletion, quotas, reconciliation."""
