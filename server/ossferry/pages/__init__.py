"""Routes that serve the built upload page and its files."""
