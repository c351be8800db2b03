"""Requests to the token server."""
