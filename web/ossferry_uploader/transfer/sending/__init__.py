"""Sending one file: preparation, requests, parts and checksums."""
