"""The library's own interface: `connect`, and the uploads of a connection."""
