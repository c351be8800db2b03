"""The list of files: rows, totals and unfinished uploads."""
