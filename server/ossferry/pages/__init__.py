"""The built upload page and its files."""
