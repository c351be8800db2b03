"""The page's Python: `oss` speaks the protocol, `transfer` moves files, `browser` reaches
JavaScript, `view` shows it, `main` puts them together.

All of it is written in the subset that MicroPython, Pyodide and CPython share.
"""
