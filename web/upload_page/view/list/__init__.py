"""The list of files on the page: rows, totals and unfinished uploads."""
