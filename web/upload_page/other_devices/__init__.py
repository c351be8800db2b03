"""The unfinished uploads of other devices, which this browser continues or discards."""
