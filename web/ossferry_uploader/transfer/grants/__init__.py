"""Grants (permissions to upload) from the server: credentials, limits, quota and bucket origins."""
