"""Pacing of requests: connections, speed limit, measured speed and retries."""
