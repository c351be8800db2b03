"""Requests for files: a person asks others, who have no account, for files by a link."""
