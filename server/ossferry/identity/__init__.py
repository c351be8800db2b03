"""The sender of a request: the principal, and the key prefix that the principal owns."""
