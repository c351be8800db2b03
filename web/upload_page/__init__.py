"""The page's Python: what a person sees of the uploader, `ossferry_uploader`.

`view` and `dialogs` are the user interface, `browser` the access to the document, and `main` starts
them all. The code uses only what MicroPython, Pyodide and CPython have in common.
"""
