"""Explanation of signatures: what a client should have signed, and what OSS received instead."""
