"""Grants: temporary STS credentials that can write below one key prefix."""
