"""The built upload page and its assets."""
