"""Pacing of requests: connections, upload slots, speed limit, measured speed and retries."""
