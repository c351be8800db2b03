"""Pacing: connections, upload slots, speed, retries and progress."""
