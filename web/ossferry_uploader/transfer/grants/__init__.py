"""Grants of the server: credentials, limits, the quota and the origins of the bucket."""
