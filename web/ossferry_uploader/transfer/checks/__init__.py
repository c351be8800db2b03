"""Rules and results of checks that look at a file before its upload."""
