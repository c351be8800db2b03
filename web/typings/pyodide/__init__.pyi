"""Pyodide's own package, as far as the page uses it."""
