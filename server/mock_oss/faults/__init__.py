"""Planned faults: errors, delays and cut connections, to test the error handling of clients."""
