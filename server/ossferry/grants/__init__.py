"""Grants: temporary STS credentials for one key prefix."""
